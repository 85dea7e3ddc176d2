package msnp

// The longest payloads that the server side may send. Servers of other make are looser than
// ours, and a client has no reason to fear a few kilobytes.
const maxServerPayload = 1 << 20

// ServerGrammar is what a client reads from a dispatch or notification server.
// docs/protocol/wire.md#payloads
var ServerGrammar = &Grammar{
	MaxLine: 65536,
	Payloads: map[Verb]Payload{
		MSG: {Args: 3, Max: maxServerPayload},
		NOT: {Args: 1, Max: maxServerPayload},
		IPG: {Args: 1, Max: maxServerPayload},
	},
}

// SwitchboardServerGrammar is what a client reads from a switchboard.
var SwitchboardServerGrammar = &Grammar{
	MaxLine:  8192,
	Payloads: map[Verb]Payload{MSG: {Args: 3, Max: maxServerPayload}},
}

// want returns the TrID of a line that has at least n parameters, the TrID among them.
func (f Frame) want(n int) (TrID, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(n)
	}
	return t, err
}

// number reads parameter i as an unsigned number.
func (f Frame) number(i, bits int) (uint64, error) {
	n, err := parseUint(f.Args[i], bits)
	if err != nil {
		return 0, f.syntax("parameter is not a number")
	}
	return n, nil
}

// text reads parameter i, which may be missing, as decoded text.
func (f Frame) text(i int) string { return Unescape(f.Arg(i)) }

// is reports whether parameter i is this word.
func (f Frame) is(i int, word string) bool { return i < len(f.Args) && string(f.Args[i]) == word }
