# Ends a server when the process that started it lets go of our standard input,
# and removes its directory, $1. The processes of the server are those that work
# in that directory or in one right below it.

# Ctrl-C is meant for that process: when it ends, we do what is to be done.
trap '' INT TERM HUP QUIT

while read -r ignored; do :; done

place=$1

members() {
    for process in /proc/[0-9]*; do
        for directory in "$place" "$place"/*; do
            if [ "$process/cwd" -ef "$directory" ]; then
                echo "${process#/proc/}"
                break
            fi
        done
    done
}

# Killed at once: a paused process would not hear anything else. One that was
# just starting another is met again.
while pids=$(members) && [ -n "$pids" ]; do
    kill -KILL $pids
    sleep 0.02
done

# A PostgreSQL that was killed could not give back its bit of shared memory. It
# has noted which one that is.
set -- $(sed -n 7p "$place/data/postmaster.pid")
[ -z "$2" ] || ipcrm -m "$2"

rm -rf -- "$place"
