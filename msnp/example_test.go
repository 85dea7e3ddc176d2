package msnp_test

import (
	"bytes"
	"errors"
	"fmt"

	"monarch/msnp"
)

// A reader keeps what Next left over, and adds to it whatever the connection brings: half a
// line or five commands. Here the second packet ends inside a message.
func ExampleGrammar_Next() {
	packets := []string{
		"ANS 1 bob@example.com 1700000000.12345.67890 170000",
		"0000\r\nMSG 2 N 9\r\nHel",
		"lo BobOUT\r\n",
	}
	scratch := make([][]byte, 0, msnp.MaxArgs)
	var buf []byte
	for _, packet := range packets {
		buf = append(buf, packet...)
		for {
			f, n, err := msnp.SwitchboardGrammar.Next(buf, scratch)
			if err != nil {
				fmt.Println("hang up:", err)
				return
			}
			if f.Verb != "" {
				fmt.Printf("%s %q payload %q\n", f.Verb, f.Args, f.Payload)
			}
			buf = buf[n:]
			if f.Verb == "" {
				break // f would alias buf: handle it, or Clone it, before reading on
			}
		}
	}
	// Output:
	// ANS ["1" "bob@example.com" "1700000000.12345.67890" "1700000000"] payload ""
	// MSG ["2" "N" "9"] payload "Hello Bob"
	// OUT [] payload ""
}

// A length over the limit ends a connection before a byte of the payload is read.
func ExampleSyntaxError() {
	_, _, err := msnp.SwitchboardGrammar.Next([]byte("MSG 2 N 99999999\r\n"), nil)
	var syntax *msnp.SyntaxError
	fmt.Println(errors.As(err, &syntax), err)
	// Output: true "MSG": payload length out of range
}

func ExampleParseCHG() {
	line := []byte("CHG 9 NLN 268435492 %3Cmsnobj%20Creator%3D%22alice%40example.com%22%2F%3E\r\n")
	f, _, err := msnp.NotificationGrammar.Next(line, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := msnp.ParseCHG(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("status", m.Status, "is visible:", m.Status.Visible())
	fmt.Println("client id", m.Flags)
	fmt.Println("object", m.Object)
	fmt.Printf("%q\n", f.AppendEcho(nil)[:14]) // the acknowledgement is the line itself
	// Output:
	// status NLN is visible: true
	// client id 268435492
	// object %3Cmsnobj%20Creator%3D%22alice%40example.com%22%2F%3E
	// "CHG 9 NLN 2684"
}

// A line about somebody is written for the version of whoever reads it. MSNP8 clients count
// the words and hang up when a picture is among them.
func ExamplePresence_AppendNLN() {
	bob := msnp.Presence{
		Status: msnp.Busy, Handle: "bob@example.com", Name: "Bob B.", Flags: 268435492,
		Object: "%3Cmsnobj%20Creator%3D%22bob%40example.com%22%2F%3E",
	}
	for _, v := range []msnp.Version{msnp.MSNP8, msnp.MSNP9} {
		fmt.Printf("%s: %s\n", v, bytes.TrimSpace(bob.AppendNLN(nil, v)))
	}
	// Output:
	// MSNP8: NLN BSY bob@example.com Bob%20B. 268435492
	// MSNP9: NLN BSY bob@example.com Bob%20B. 268435492 %3Cmsnobj%20Creator%3D%22bob%40example.com%22%2F%3E
}

// A client answers CHL with QRY, whose payload has no line end.
func ExampleProduct_Answer() {
	p, ok := msnp.ProductByID("PROD0038W!61ZTF9")
	if !ok {
		fmt.Println("nobody knows the key of this product")
		return
	}
	answer := p.Answer("12345678901234567890")
	fmt.Printf("%q\n", msnp.AppendPayload(nil, msnp.QRY, []byte(answer), "18", p.ID))
	// Output: "QRY 18 PROD0038W!61ZTF9 32\r\nc64fe621f55832479b97b7f50829d5c1"
}

// A client describes its display picture in an object, and offers it in CHG.
func ExampleNewObject() {
	data := make([]byte, 1500) // in earnest, a PNG of 96 by 96
	for i := range data {
		data[i] = byte(31*i + 7)
	}
	o := msnp.NewObject("alice@example.com", msnp.ObjectPicture, "TFR20.dat", data)
	fmt.Println(o)
	fmt.Println(msnp.Escape(o.String()))
	// Output:
	// <msnobj Creator="alice@example.com" Size="1500" Type="3" Location="TFR20.dat" Friendly="AAA=" SHA1D="udVfpdQxl/kBS0ZZ5Hk3W40sBUw=" SHA1C="Fp+clwQ2A8OoK0X/o2Lw3MNwYk4="/>
	// <msnobj%20Creator="alice@example.com"%20Size="1500"%20Type="3"%20Location="TFR20.dat"%20Friendly="AAA="%20SHA1D="udVfpdQxl/kBS0ZZ5Hk3W40sBUw="%20SHA1C="Fp+clwQ2A8OoK0X/o2Lw3MNwYk4="/>
}

// Whoever sees the object in NLN knows what to ask for, and can tell whether it came whole.
func ExampleParseObject() {
	token := "%3Cmsnobj%20Creator%3D%22anotherdude%40hotmail.com%22%20Size%3D%2225235%22%20Type%3D%223%22%20" +
		"Location%3D%22uexA4DE.dat%22%20Friendly%3D%22AAA%3D%22%20SHA1D%3D%22vP1ppB+xiFQ8ceZivRe0uCaYLIU%3D%22%20" +
		"SHA1C%3D%22PApbbjkbDSGrt3ybGHRKNaZ8s%2Fw%3D%22%2F%3E"
	o, err := msnp.ParseObject(msnp.Unescape(token))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ask", o.Creator, "for", o.Size, "bytes")
	fmt.Println("a display picture:", o.Type == msnp.ObjectPicture)
	fmt.Println("checksum", o.SHA1C, "is right:", o.SHA1C == o.Checksum())
	// Output:
	// ask anotherdude@hotmail.com for 25235 bytes
	// a display picture: true
	// checksum PApbbjkbDSGrt3ybGHRKNaZ8s/w= is right: true
}

// A server returns a code as an error and writes it as a line. A client finds it in the
// place of the verb.
func ExampleCode() {
	var err error = msnp.CodeNoSuchUser
	var code msnp.Code
	if errors.As(fmt.Errorf("add bob: %w", err), &code) {
		line := code.Append(nil, "20")
		fmt.Printf("server writes %q\n", line)

		f, _, err := msnp.NotificationGrammar.Next(line, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		got, ok := f.Code()
		fmt.Println("client reads", ok, got, "in answer to", f.Arg(0))
	}
	// Output:
	// server writes "205 20\r\n"
	// client reads true 205 no such user in answer to 20
}

// A switchboard passes a message on without looking into it, and tells the sender what he
// asked to hear. Nothing here allocates when the buffers are there.
func ExampleParseMSG() {
	in := []byte("MSG 3 A 9\r\nHello Bob")
	f, _, err := msnp.SwitchboardGrammar.Next(in, make([][]byte, 0, msnp.MaxArgs))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := msnp.ParseMSG(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	toBob := append(msnp.AppendRelayed(nil, "alice@example.com", "Alice", len(m.Payload)), m.Payload...)
	fmt.Printf("bob gets %q\n", toBob)
	if m.Ack.Success() {
		fmt.Printf("alice gets %q\n", msnp.AppendOutcome(nil, msnp.ACK, m.TrID))
	}
	// Output:
	// bob gets "MSG alice@example.com Alice 9\r\nHello Bob"
	// alice gets "ACK 3\r\n"
}

// A name is any text. As a parameter it must not have blanks.
func ExampleEscape() {
	param := msnp.Escape("100% Grüße")
	fmt.Println(param)
	fmt.Println(msnp.Unescape(param))
	fmt.Println(msnp.Unescape("a+b 50%")) // nothing fails, and a plus sign is a plus sign
	// Output:
	// 100%25%20Gr%C3%BC%C3%9Fe
	// 100% Grüße
	// a+b 50%
}
