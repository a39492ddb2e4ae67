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

# Asked first, so that it can give back what outlives processes: shared memory.
# One that is paused hears nothing until it goes on.
rounds=0
while pids=$(members) && [ -n "$pids" ]; do
    if [ "$rounds" -lt 100 ]; then
        kill -QUIT $pids
        kill -CONT $pids
    else
        kill -KILL $pids
    fi
    rounds=$((rounds + 1))
    sleep 0.05
done 2>/dev/null

rm -rf -- "$place"
