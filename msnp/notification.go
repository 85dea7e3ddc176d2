package msnp

// Limits of parameters in bytes, measured on the encoded form as received.
// docs/protocol/limits.md#sizes
const (
	MaxName      = 387  // friendly and stored names
	MaxObject    = 2048 // MSNObject
	MaxProperty  = 95   // phone numbers
	MaxGroupName = 61   // longer: 229
	maxGroupLine = 127  // longer: the line is no command at all
)

// NoGroup is the group number of a command that names none.
const NoGroup = -1

// SignInGrammar is what a dispatch or notification server reads before a client has signed
// in: lines alone. Only a ticket makes a long one.
var SignInGrammar = &Grammar{MaxLine: 1024, Long: USR, MaxLong: 8192}

// NotificationGrammar is what a notification server reads from a signed-in client.
// docs/protocol/wire.md#payloads
var NotificationGrammar = &Grammar{
	MaxLine: 8192,
	Payloads: map[Verb]Payload{
		QRY: {Args: 3, Min: 32, Max: 32},
		SDC: {Args: 9, Max: 65536},
		PAG: {Args: 3, Max: 65536},
		PGD: {Args: 4, Max: 65536},
	},
}

// Negotiation is the request VER: the versions a client offers, best first.
type Negotiation struct {
	TrID     TrID
	Versions []string
}

// ParseVER reads VER. An offer without any version is not an error.
func ParseVER(f Frame) (Negotiation, error) {
	t, err := f.TrID()
	if err != nil {
		return Negotiation{}, err
	}
	m := Negotiation{TrID: t}
	for _, a := range f.Args[1:] {
		m.Versions = append(m.Versions, string(a))
	}
	return m, nil
}

// ClientInfo is the request CVR or CVQ: what the client says of itself.
type ClientInfo struct {
	TrID    TrID
	Locale  string // hexadecimal LCID with 0x
	OS      string
	Library string // MSNMSGR, MSMSGS, macmsgs
	Version string // opaque
	Handle  string // from MSNP8; "" in CVQ
}

// ParseCVR reads CVR or CVQ. Too few parameters are [CodeClientVersion].
// docs/protocol/signin.md#cvr
func ParseCVR(f Frame) (ClientInfo, error) {
	t, err := f.TrID()
	if err != nil {
		return ClientInfo{}, err
	}
	need := 9
	if f.Verb == CVQ {
		need = 7
	}
	if len(f.Args) < need {
		return ClientInfo{TrID: t}, CodeClientVersion
	}
	return ClientInfo{TrID: t, Locale: f.Arg(1), OS: f.Arg(2), Library: f.Arg(5), Version: f.Arg(6), Handle: f.Arg(8)}, nil
}

// Authentication is the request USR on a dispatch or notification server.
type Authentication struct {
	TrID    TrID
	Package string // TWN
	Stage   string // I: the value is a handle; S: a ticket
	Value   string
}

// ParseUSR reads USR.
func ParseUSR(f Frame) (Authentication, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(4)
	}
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{TrID: t, Package: f.Arg(1), Stage: f.Arg(2), Value: f.Arg(3)}, nil
}

// Sync is the request SYN. Version is 0 when it is not a number of 32 bits, which asks for
// everything just as 0 does.
type Sync struct {
	TrID    TrID
	Version uint32
}

// ParseSYN reads SYN. docs/protocol/lists.md#syn
func ParseSYN(f Frame) (Sync, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(2)
	}
	if err != nil {
		return Sync{}, err
	}
	v, err := parseUint(f.Args[1], 32)
	if err != nil {
		v = 0
	}
	return Sync{TrID: t, Version: uint32(v)}, nil
}

// StatusChange is the request CHG.
type StatusChange struct {
	TrID   TrID
	Status Status
	Flags  uint64 // client id; 0 when missing
	Object string // MSNObject as sent, or ""; the parameter 0 is none
}

// ParseCHG reads CHG. docs/protocol/presence.md#chg
func ParseCHG(f Frame) (StatusChange, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(2)
	}
	if err != nil {
		return StatusChange{}, err
	}
	m := StatusChange{TrID: t}
	var ok bool
	if m.Status, ok = ParseStatus(f.Args[1]); !ok {
		return m, f.syntax("unknown status")
	}
	if len(f.Args) > 2 {
		if m.Flags, err = parseUint(f.Args[2], 64); err != nil {
			return m, f.syntax("client id is not a number")
		}
	}
	if len(f.Args) > 3 && string(f.Args[3]) != "0" {
		if len(f.Args[3]) > MaxObject {
			return m, f.syntax("MSNObject too long")
		}
		m.Object = f.Arg(3)
	}
	return m, nil
}

// ChallengeAnswer is the request QRY.
type ChallengeAnswer struct {
	TrID     TrID
	Product  string
	Response string // 32 characters
}

// ParseQRY reads QRY with its payload.
func ParseQRY(f Frame) (ChallengeAnswer, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(3)
	}
	if err != nil {
		return ChallengeAnswer{}, err
	}
	return ChallengeAnswer{TrID: t, Product: f.Arg(1), Response: string(f.Payload)}, nil
}

// SwitchboardUse is the request IMS.
type SwitchboardUse struct {
	TrID TrID
	On   bool
}

// ParseIMS reads IMS.
func ParseIMS(f Frame) (SwitchboardUse, error) {
	t, v, err := parseWord(f)
	if err == nil && v != "ON" && v != "OFF" {
		err = f.syntax("neither ON nor OFF")
	}
	return SwitchboardUse{TrID: t, On: v == "ON"}, err
}

// Page is the request PGD or PAG.
type Page struct {
	TrID   TrID
	Device uint64 // of PGD: 1 mobile, 2 watch
}

// ParsePGD reads PGD.
func ParsePGD(f Frame) (Page, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(4)
	}
	if err != nil {
		return Page{}, err
	}
	device, err := parseUint(f.Args[2], 32)
	if err != nil {
		return Page{}, f.syntax("device is not a number")
	}
	return Page{TrID: t, Device: device}, nil
}

// parseWord reads a command of a TrID and one more parameter.
func parseWord(f Frame) (TrID, string, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(2)
	}
	if err != nil {
		return "", "", err
	}
	return t, f.Arg(1), nil
}

// Transfer is the request XFR.
type Transfer struct {
	TrID TrID
	Kind string // SB
}

// ParseXFR reads XFR.
func ParseXFR(f Frame) (Transfer, error) {
	t, kind, err := parseWord(f)
	return Transfer{TrID: t, Kind: kind}, err
}

// PageAddress is the request URL.
type PageAddress struct {
	TrID TrID
	Kind string // INBOX and so on
	Arg  string // an address or a locale, for some kinds
}

// ParseURL reads URL.
func ParseURL(f Frame) (PageAddress, error) {
	t, kind, err := parseWord(f)
	return PageAddress{TrID: t, Kind: kind, Arg: f.Arg(2)}, err
}
