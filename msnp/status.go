package msnp

// Status is a presence code of CHG, NLN and ILN.
type Status string

// The status codes. Offline is never sent by a client that behaves; a server keeps it
// for people who are not signed in.
const (
	Offline Status = "FLN"
	Online  Status = "NLN"
	Busy    Status = "BSY"
	Idle    Status = "IDL"
	BRB     Status = "BRB"
	Away    Status = "AWY"
	Phone   Status = "PHN"
	Lunch   Status = "LUN"
	Hidden  Status = "HDN"
)

// statuses holds the codes a client may choose.
var statuses = [...]Status{Online, Busy, Idle, BRB, Away, Phone, Lunch, Hidden}

// ParseStatus reads a status code, upper case only. Offline is one of them.
func ParseStatus(b []byte) (Status, bool) {
	for _, s := range statuses {
		if string(b) == string(s) {
			return s, true
		}
	}
	return Offline, string(b) == string(Offline)
}

// Visible reports whether contacts see somebody with this status as being there.
func (s Status) Visible() bool { return s != Hidden && s != Offline && s != "" }
