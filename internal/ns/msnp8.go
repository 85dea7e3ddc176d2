package ns

import (
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// msnp8 is spoken by MSN Messenger 5.0, BitlBee and Miranda.
var msnp8 = &dialect{
	version: msnp.MSNP8,
	commands: map[msnp.Verb]command{
		msnp.VER: {quick: (*session).ver},
		msnp.CVR: {quick: (*session).cvr},
		msnp.USR: {quick: (*session).again},
		msnp.OUT: {quick: (*session).out, free: true},
		msnp.PNG: {quick: (*session).png, free: true},

		msnp.SYN: {slow: (*session).syn},
		msnp.ADD: {slow: (*session).add, links: true},
		msnp.REM: {slow: (*session).rem, links: true},
		msnp.REA: {slow: (*session).rea, links: true},
		msnp.ADG: {slow: (*session).adg},
		msnp.REG: {slow: (*session).reg},
		msnp.RMG: {slow: (*session).rmg, links: true},
		msnp.GTC: {slow: (*session).gtc},
		msnp.BLP: {slow: (*session).blp, links: true},
		msnp.PRP: {slow: (*session).prp},

		msnp.CHG: {quick: (*session).chg, links: true},
		msnp.IMS: {quick: (*session).ims},
		msnp.CHL: {quick: (*session).chl},
		msnp.QRY: {quick: (*session).qry, free: true},
		msnp.XFR: {quick: (*session).xfr},
		msnp.URL: {quick: (*session).url},

		msnp.SDC: {slow: (*session).sdc},
		msnp.SND: {slow: (*session).snd},
		msnp.PAG: {quick: (*session).pag},
		msnp.FND: {quick: (*session).disabled},
		msnp.LST: {quick: (*session).disabled},
		msnp.LSG: {quick: (*session).disabled},
	},
	properties: []string{"PHH", "PHW", "PHM", "MOB", "MBE"},
	pong: func(b []byte, _ time.Duration) []byte {
		return msnp.AppendLine(b, msnp.QNG)
	},
	same: func(a, b im.Presence) bool { // pictures are not shown
		return a.Status == b.Status && a.Flags == b.Flags
	},
}
