package msnp

// Ring is the line RNG of a notification server: somebody calls.
type Ring struct {
	Session string
	Addr    string // host and port of the switchboard
	Cookie  string
	Handle  string // of the caller
	Name    string // decoded
}

// ParseRNG reads RNG. docs/protocol/switchboard.md#rng
func ParseRNG(f Frame) (Ring, error) {
	if err := f.need(6); err != nil {
		return Ring{}, err
	}
	if !f.is(2, "CKI") {
		return Ring{}, f.syntax("no cookie")
	}
	return Ring{Session: f.Arg(0), Addr: f.Arg(1), Cookie: f.Arg(3), Handle: f.Arg(4), Name: f.text(5)}, nil
}

// ParseCALReply returns the session's id from the answer to CAL.
// docs/protocol/switchboard.md#cal
func ParseCALReply(f Frame) (string, error) {
	if _, err := f.want(3); err != nil {
		return "", err
	}
	return f.Arg(2), nil
}

// Participant is somebody in a switchboard session.
type Participant struct {
	Handle string
	Name   string // decoded
}

// ParseIRO reads IRO: somebody who was there before. docs/protocol/switchboard.md#ans
func ParseIRO(f Frame) (Participant, error) {
	if _, err := f.want(4); err != nil {
		return Participant{}, err
	}
	return Participant{Handle: f.Arg(3), Name: f.text(4)}, nil
}

// ParseJOI reads JOI: somebody came.
func ParseJOI(f Frame) (Participant, error) {
	if err := f.need(1); err != nil {
		return Participant{}, err
	}
	return Participant{Handle: f.Arg(0), Name: f.text(1)}, nil
}

// Leaving is the line BYE of a switchboard.
type Leaving struct {
	Handle string
	Idle   bool // the session is being cleared because nobody used it
}

// ParseBYE reads BYE. docs/protocol/switchboard.md#leaving
func ParseBYE(f Frame) (Leaving, error) {
	if err := f.need(1); err != nil {
		return Leaving{}, err
	}
	return Leaving{Handle: f.Arg(0), Idle: f.is(1, "1")}, nil
}

// Relayed is the line MSG as a server sends it, with its payload, which aliases the frame's.
type Relayed struct {
	Handle  string // of the sender; Hotmail is the server
	Name    string // decoded
	Payload []byte
}

// ParseRelayed reads MSG as a notification server or switchboard sends it.
// docs/protocol/switchboard.md#msg
func ParseRelayed(f Frame) (Relayed, error) {
	if err := f.need(3); err != nil {
		return Relayed{}, err
	}
	return Relayed{Handle: f.Arg(0), Name: f.text(1), Payload: f.Payload}, nil
}
