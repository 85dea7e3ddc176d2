package msnp

// Verb is the three-character code that begins a line, in upper case. The error codes of
// the server are verbs too; [Frame.Code] reads them.
type Verb string

// The verbs of MSNP8 and MSNP9, and those of other versions that a server of these
// meets and must know well enough to refuse.
const (
	VER Verb = "VER" // version negotiation
	CVR Verb = "CVR" // client version report
	CVQ Verb = "CVQ" // client version query, of CVR0
	INF Verb = "INF" // authentication packages, MSNP2 to MSNP7
	USR Verb = "USR" // authentication; on a switchboard, the caller's entrance
	XFR Verb = "XFR" // referral to a notification server or switchboard

	SYN Verb = "SYN" // list synchronisation
	LST Verb = "LST" // a person on the lists
	LSG Verb = "LSG" // a group
	GTC Verb = "GTC" // whether to ask when added
	BLP Verb = "BLP" // privacy towards people on neither list
	PRP Verb = "PRP" // own property
	BPR Verb = "BPR" // a contact's property
	ADD Verb = "ADD" // add to a list
	REM Verb = "REM" // remove from a list
	REA Verb = "REA" // rename
	ADG Verb = "ADG" // add group
	RMG Verb = "RMG" // remove group
	REG Verb = "REG" // rename group

	CHG Verb = "CHG" // change status
	ILN Verb = "ILN" // initial presence of a contact
	NLN Verb = "NLN" // presence of a contact
	FLN Verb = "FLN" // a contact went off line
	IMS Verb = "IMS" // switchboard use on or off

	CHL Verb = "CHL" // challenge
	QRY Verb = "QRY" // challenge response
	PNG Verb = "PNG" // ping
	QNG Verb = "QNG" // ping response

	URL Verb = "URL" // address of a page
	FND Verb = "FND" // directory search
	SDC Verb = "SDC" // invitation by mail
	SND Verb = "SND" // invitation by mail, short form
	PAG Verb = "PAG" // page, up to MSNP8
	PGD Verb = "PGD" // page to a device, from MSNP9
	IPG Verb = "IPG" // incoming page
	NOT Verb = "NOT" // alert
	OUT Verb = "OUT" // end of the connection

	RNG Verb = "RNG" // invitation to a switchboard
	ANS Verb = "ANS" // answer to an invitation
	CAL Verb = "CAL" // call somebody into the session
	IRO Verb = "IRO" // who is already there
	JOI Verb = "JOI" // somebody joined
	BYE Verb = "BYE" // somebody left
	MSG Verb = "MSG" // message
	ACK Verb = "ACK" // message delivered
	NAK Verb = "NAK" // message not delivered
)

// known maps the bytes of a verb to the constant, so that reading a verb costs no memory.
var known = func() map[string]Verb {
	m := make(map[string]Verb)
	for _, v := range []Verb{
		VER, CVR, CVQ, INF, USR, XFR, SYN, LST, LSG, GTC, BLP, PRP, BPR, ADD, REM, REA, ADG, RMG, REG,
		CHG, ILN, NLN, FLN, IMS, CHL, QRY, PNG, QNG, URL, FND, SDC, SND, PAG, PGD, IPG, NOT, OUT,
		RNG, ANS, CAL, IRO, JOI, BYE, MSG, ACK, NAK,
	} {
		m[string(v)] = v
	}
	return m
}()

func verbOf(b []byte) Verb {
	if v, ok := known[string(b)]; ok {
		return v
	}
	return Verb(b)
}
