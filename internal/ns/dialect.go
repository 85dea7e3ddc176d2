package ns

import (
	"maps"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// dialect is a version of the protocol as a table: what a signed-in client may say, and how
// it is spoken to. Handlers never ask which version they serve.
type dialect struct {
	version  msnp.Version
	commands map[msnp.Verb]command
	// properties are the property types the version knows, in the order of SYN.
	properties []string
	// pong appends the answer to PNG; next is when the next one is expected.
	pong func(b []byte, next time.Duration) []byte
	// pictures says whether presence carries an MSNObject.
	pictures bool
	// same reports whether watchers of this version would see two presences alike.
	same func(a, b im.Presence) bool
	// markup says that alerts have TEXTX beside TEXT.
	markup bool
}

// with returns the next dialect: a copy with some things different.
func (d *dialect) with(v msnp.Version, change func(*dialect)) *dialect {
	next := *d
	next.version = v
	next.commands = maps.Clone(d.commands)
	change(&next)
	return &next
}

// offered lists the versions that are spoken; a further one is one file more. The newest
// comes last.
func offered() []*dialect { return []*dialect{msnp8, msnp9} }
