# Prints what bash completes. Arguments: the script, and a line without what comes after its last space,
# cut into words as bash does it, and the last word.
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_monarch
printf '%s\n' "${COMPREPLY[@]}"
