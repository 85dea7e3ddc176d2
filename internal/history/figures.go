package history

// Figure is something that is measured.
type Figure uint8

// The figures. Of those that are counted a [Reading] has how often they happened so far, and
// everything else how often in a minute.
const (
	Sessions     Figure = iota // people signed in
	Connections                // of clients
	Strangers                  // of these, without a sign-in
	Switchboards               // conversations
	SignIns                    // counted
	Refused                    // sign-ins that were refused; counted
	Messages                   // taken for relaying; counted
	Warnings                   // lines of the log; counted
	Errors                     // lines of the log; counted
	CPU                        // in a reading, seconds used so far; everywhere else, cores in use
	Memory                     // resident, in bytes
	Figures
)

var names = [Figures]string{
	Sessions: "sessions", Connections: "connections", Strangers: "strangers", Switchboards: "switchboards",
	SignIns: "sign_ins", Refused: "refused", Messages: "messages", Warnings: "warnings", Errors: "errors",
	CPU: "cpu", Memory: "memory",
}

// String returns the name, as programs have it.
func (f Figure) String() string { return names[f] }

// counted are the figures that grow, and what a unit of theirs in a second is called one of.
var counted = map[Figure]float64{SignIns: 60, Refused: 60, Messages: 60, Warnings: 60, Errors: 60, CPU: 1}

// Reading is every figure at a moment.
type Reading [Figures]float64

// since returns what happened from one reading to a later one, so many seconds apart.
func (r Reading) since(before Reading, seconds float64) Reading {
	for f, unit := range counted {
		r[f] = max(r[f]-before[f], 0) * unit / seconds
	}
	return r
}
