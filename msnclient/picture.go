package msnclient

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"

	"monarch/msnp"
)

// Picture is a display picture or an emoticon of ours. The service takes no notice of its
// format; MSN Messenger shows PNG and GIF, best of 96 by 96 pixels.
type Picture struct {
	Data     []byte
	Location string // our name for it; "": made up
}

// object describes a picture of ours and keeps its data for those who ask.
func (c *Client) own(p *Picture, t msnp.ObjectType) msnp.Object {
	location := p.Location
	if location == "" {
		sum := sha1.Sum(p.Data)
		location = "TFR" + hex.EncodeToString(sum[:4]) + ".dat"
	}
	o := msnp.NewObject(c.cfg.Handle, t, location, p.Data)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects[o.SHA1D] = p.Data
	return o
}

// object returns the data of a picture or emoticon of ours by its hash in base64.
func (c *Client) object(sha1d string) ([]byte, bool) {
	raw, err := base64.StdEncoding.DecodeString(sha1d)
	if err != nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.objects[base64.StdEncoding.EncodeToString(raw)]
	return data, ok
}
