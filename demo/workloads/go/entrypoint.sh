set -eu
program="$(mktemp -d)/service" # in the VM a folder in memory, made anew by each launch
go build -o "$program" .
exec "$program"
