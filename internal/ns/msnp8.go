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
		msnp.VER: {run: (*session).ver, inline: true},
		msnp.CVR: {run: (*session).cvr, inline: true},
		msnp.USR: {run: (*session).again, inline: true},
		msnp.OUT: {run: (*session).out, inline: true},
		msnp.PNG: {run: (*session).png, inline: true},

		msnp.SYN: {run: (*session).syn},
		msnp.ADD: {run: (*session).add, links: true},
		msnp.REM: {run: (*session).rem, links: true},
		msnp.REA: {run: (*session).rea, links: true},
		msnp.ADG: {run: (*session).adg},
		msnp.REG: {run: (*session).reg},
		msnp.RMG: {run: (*session).rmg, links: true},
		msnp.GTC: {run: (*session).gtc},
		msnp.BLP: {run: (*session).blp, links: true},
		msnp.PRP: {run: (*session).prp},

		msnp.CHG: {run: (*session).chg, inline: true, links: true},
		msnp.IMS: {run: (*session).ims, inline: true},
		msnp.CHL: {run: (*session).chl, inline: true},
		msnp.QRY: {run: (*session).qry, inline: true},
		msnp.XFR: {run: (*session).xfr, inline: true},
		msnp.URL: {run: (*session).url, inline: true},

		msnp.SDC: {run: (*session).sdc, inline: true},
		msnp.SND: {run: (*session).snd, inline: true},
		msnp.PAG: {run: (*session).pag, inline: true},
		msnp.FND: {run: (*session).disabled, inline: true},
		msnp.LST: {run: (*session).disabled, inline: true},
		msnp.LSG: {run: (*session).disabled, inline: true},
	},
	properties: []string{"PHH", "PHW", "PHM", "MOB", "MBE"},
	pong: func(b []byte, _ time.Duration) []byte {
		return msnp.AppendLine(b, msnp.QNG)
	},
	same: func(a, b im.Presence) bool { // pictures are not shown
		return a.Status == b.Status && a.Flags == b.Flags
	},
}
