#!/bin/bash
# Train with Slurm: one job for each tier, several GPUs and machines to a job. The same line starts a run and goes on with it:
#   sbatch --array=1-6 .github/slurm.sh blizzard /data/LJSpeech-1.1 /shared/runs/lj [more words for melnet train]
#   melnet assemble /shared/runs/lj          # when all tiers are done
#SBATCH --job-name=melnet
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=melnet-%A-tier%a.log
set -euo pipefail
preset=$1 data=$2 out=$3
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-4}
srun torchrun --nnodes="$SLURM_NNODES" --nproc-per-node="$SLURM_GPUS_ON_NODE" --rdzv-backend=c10d \
  --rdzv-id="$SLURM_JOB_ID" --rdzv-endpoint="$head:${PORT:-29500}" --no-python \
  melnet train "$preset" --data="$data" --out="$out" --tiers="[$SLURM_ARRAY_TASK_ID]" --resume=true --progress=false "${@:4}"
