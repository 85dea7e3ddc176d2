// Package ctt reads and writes contact lists in files, as "Save Contact List" of MSN Messenger
// writes them and "Import Contacts from a Saved File" reads them. Whose addresses these are, and
// whether they are any, is left to its callers.
//
// Such a file is XML that has nothing but addresses in it:
//
//	<?xml version="1.0"?>
//	<messenger>
//	  <service name=".NET Messenger Service">
//	    <contactlist>
//	      <contact>alice@example.com</contact>
//	    </contactlist>
//	  </service>
//	</messenger>
//
// Windows Live Messenger has type="1" in each contact. Windows Messenger has one more service for
// each other network; all are read.
package ctt

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// What a file may have.
const (
	MaxSize     = 512 << 10 // bytes
	MaxContacts = 2000
	maxDepth    = 8 // elements inside each other; the format has four
)

// Why a file is not read.
var (
	ErrSize   = fmt.Errorf("the file has more than %d bytes or %d contacts", MaxSize, MaxContacts)
	ErrFormat = errors.New("not a contact list of MSN Messenger")
)

// path is where a contact is.
var path = []string{"messenger", "service", "contactlist", "contact"}

// Parse returns the addresses in a file, as they stand there but for space around them, each
// once. It refuses with ErrSize, or with ErrFormat what is no such list at all or tries more than
// such a list needs: declarations of documents and entities.
func Parse(file []byte) ([]string, error) {
	if len(file) > MaxSize {
		return nil, ErrSize
	}
	text, err := decode(file)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, ErrFormat }
	l := list{seen: make(map[string]bool)}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if err := l.take(token); err != nil {
			return nil, err
		}
	}
	if !l.found {
		return nil, ErrFormat
	}
	return l.contacts, nil
}

// list is what was read so far.
type list struct {
	at       []string // names of the elements that are open
	text     strings.Builder
	found    bool // there is a list, though perhaps nobody on it
	contacts []string
	seen     map[string]bool
}

func (l *list) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if len(l.at) == maxDepth {
			return fmt.Errorf("%w: too many elements inside each other", ErrFormat)
		}
		l.at = append(l.at, strings.ToLower(t.Name.Local))
		l.text.Reset()
		l.found = l.found || slices.Equal(l.at, path[:3])
	case xml.CharData:
		if slices.Equal(l.at, path) {
			l.text.Write(t)
		}
	case xml.EndElement:
		if slices.Equal(l.at, path) {
			if err := l.add(strings.TrimSpace(l.text.String())); err != nil {
				return err
			}
		}
		l.at = l.at[:len(l.at)-1]
	case xml.Directive:
		return fmt.Errorf("%w: it declares something", ErrFormat)
	}
	return nil
}

func (l *list) add(address string) error {
	if address == "" || l.seen[strings.ToLower(address)] {
		return nil
	}
	if len(l.contacts) == MaxContacts {
		return ErrSize
	}
	l.seen[strings.ToLower(address)] = true
	l.contacts = append(l.contacts, address)
	return nil
}

// Append appends a file with these addresses, line by line as MSN Messenger has it.
func Append(b []byte, addresses []string) []byte {
	b = append(b, "<?xml version=\"1.0\"?>\r\n<messenger>\r\n  <service name=\".NET Messenger Service\">\r\n    <contactlist>\r\n"...)
	for _, address := range addresses {
		b = append(b, "      <contact>"...)
		b = appendText(b, address)
		b = append(b, "</contact>\r\n"...)
	}
	return append(b, "    </contactlist>\r\n  </service>\r\n</messenger>\r\n"...)
}

// appendText escapes what would be markup. Addresses may have such signs.
func appendText(b []byte, text string) []byte {
	w := bytes.NewBuffer(b)
	_ = xml.EscapeText(w, []byte(text)) // memory takes everything
	return w.Bytes()
}
