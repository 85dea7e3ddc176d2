package msnclient

import (
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"monarch/msnp"
)

// Text is an instant message. docs/protocol/payloads.md#types
type Text struct {
	Body        string // UTF-8; lines end in LF
	Font        string
	Effects     string // any of B bold, I italic, S strike-through, U underline
	Color       uint32 // 0xRRGGBB
	RightToLeft bool

	// Emoticons are pictures for shortcuts in Body. They are announced before the text; those
	// of others come as [EmoticonAnnounced].
	Emoticons map[string]*Picture
}

const (
	formatField = "X-MMS-IM-Format"
	maxAnnounce = 5 // emoticons in one message
)

// header returns the header of a message that carries the text.
func (t Text) header() msnp.Header {
	return msnp.Header{
		{Name: "MIME-Version", Value: "1.0"},
		{Name: "Content-Type", Value: "text/plain; charset=UTF-8"},
		{Name: formatField, Value: t.format()},
	}
}

// format writes the looks of a text. Colours go blue first.
func (t Text) format() string {
	bgr := t.Color&0xFF<<16 | t.Color&0xFF00 | t.Color>>16&0xFF
	font := t.Font
	if font == "" {
		font = "Arial"
	}
	var effects strings.Builder
	for _, e := range "BISU" {
		if strings.ContainsRune(t.Effects, e) {
			effects.WriteRune(e)
		}
	}
	f := "FN=" + strings.ReplaceAll(msnp.Escape(font), ";", "%3B") + "; EF=" + effects.String() +
		"; CO=" + strconv.FormatUint(uint64(bgr), 16) + "; CS=0; PF=22"
	if t.RightToLeft {
		f += "; RL=1"
	}
	return f
}

// payloads cuts a text into messages that a switchboard takes.
func (t Text) payloads() [][]byte {
	header := t.header().Append(nil)
	room := msnp.MaxMessage - len(header)
	body := strings.ReplaceAll(strings.ToValidUTF8(t.Body, "\uFFFD"), "\r\n", "\n")
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r", "\n"), "\n", "\r\n")
	var all [][]byte
	for {
		n := cut(body, room)
		piece := body[:n]
		if body = body[n:]; body != "" {
			piece = strings.TrimSuffix(piece, "\r\n") // the end of the message is the end of the line
		}
		all = append(all, append(header[:len(header):len(header)], piece...))
		if body == "" {
			return all
		}
	}
}

// cut returns how much of a text to send first: all if there is room, else up to the end of
// a line or word that is not too far back, else up to a whole character.
func cut(s string, room int) int {
	if len(s) <= room {
		return len(s)
	}
	if i := strings.LastIndex(s[:room], "\r\n"); i > room/2 {
		return i + 2
	}
	if i := strings.LastIndexByte(s[:room], ' '); i > room/2 {
		return i + 1
	}
	for room > 1 && (!utf8.RuneStart(s[room]) || s[room] == '\n') {
		room--
	}
	return room
}

// parseText reads an instant message.
func parseText(h msnp.Header, body []byte) Text {
	t := parseFormat(h.Get(formatField))
	_, params := h.Type()
	t.Body = strings.ReplaceAll(decode(body, params), "\r\n", "\n")
	return t
}

// decode makes UTF-8 of a text: without a word about the character set it is ISO 8859-1.
func decode(body []byte, params string) string {
	if strings.Contains(strings.ToLower(params), "utf-8") {
		return strings.ToValidUTF8(string(body), "\uFFFD")
	}
	var b strings.Builder
	for _, c := range body {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// parseFormat reads the looks of a text. What it cannot read it leaves out.
func parseFormat(value string) Text {
	var t Text
	for field := range strings.SplitSeq(value, ";") {
		key, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch strings.ToUpper(key) {
		case "FN":
			t.Font = msnp.Unescape(v)
		case "EF":
			t.Effects = v
		case "CO":
			if bgr, err := strconv.ParseUint(v, 16, 24); err == nil {
				c := uint32(bgr)
				t.Color = c&0xFF<<16 | c&0xFF00 | c>>16&0xFF
			}
		case "RL":
			t.RightToLeft = v == "1"
		}
	}
	return t
}

// decodeWords reads the encoded words of mail headers.
func decodeWords(s string) string {
	d, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		return s
	}
	return d
}
