# Prints what zsh completes when somebody types a line and presses the key. Arguments: the script, and the line.
zmodload zsh/zpty
zpty shell zsh -f -i

# up-to prints matches until a line comes that says so.
up-to() {
	local line
	while zpty -r shell line; do
		line=${line//[$'\r\n']/}
		case $line in
		*$1*) return ;;
		MATCH:*) print -r -- "${line#MATCH:}" ;;
		esac
	done
	exit 1
}

zpty -w shell "PS1=; autoload -Uz compinit; compinit -u -D; source ${(q)1}"
# What is added to the list of matches is printed, too, unless it only goes into an array.
zpty -w shell 'compadd() {
	if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
		local -a matches
		builtin compadd -A matches "$@"
		(( $#matches )) && print -rl -- "" MATCH:${^matches}
	fi
	builtin compadd "$@"
}'
zpty -w shell 'at-the-end() { print -rl -- "" "THAT IS ALL" }; comppostfuncs=(at-the-end)'
zpty -w shell 'print RE""ADY'
up-to READY
zpty -w -n shell "$2"$'\t'
up-to "THAT IS ALL"
