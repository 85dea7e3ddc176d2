package ns

import (
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// msnp9 is spoken by MSN Messenger 6.0, gaim, libpurple and aMSN: pictures, pages to
// devices, and a hint when to ping.
var msnp9 = msnp8.with(msnp.MSNP9, func(d *dialect) {
	d.commands[msnp.PAG] = command{quick: (*session).notExpected}
	d.commands[msnp.PGD] = command{quick: (*session).pgd}
	d.properties = append(d.properties[:len(d.properties):len(d.properties)], "WWE")
	d.pong = func(b []byte, next time.Duration) []byte {
		return msnp.AppendLine(b, msnp.QNG, msnp.Uint(int(next/time.Second)))
	}
	d.markup = true
	d.pictures = true
	d.same = func(a, b im.Presence) bool { return a == b }
})
