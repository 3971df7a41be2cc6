# A job: it says something, and ends.
set -eu
echo "$(cat greeting.txt), from commit $GIT_LAUNCHER_COMMIT"
