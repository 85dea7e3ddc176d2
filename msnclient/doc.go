// Package msnclient signs in to an MSN Messenger service as MSN Messenger 5.0 and 6.0 did
// (MSNP8 and MSNP9) and lives there: contacts, presence, conversations, pictures, files and
// the notices of the service. The bytes of the protocol belong to package msnp; what to show
// to a person, and what to answer, to the caller.
//
//	c, err := msnclient.Dial(ctx, msnclient.Config{Handle: "alice@example.com", Password: "secret"})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	for ev := range c.Events() {
//		if m, ok := ev.(msnclient.TextReceived); ok {
//			err := m.Chat.Send(ctx, msnclient.Text{Body: m.Text.Body})
//			...
//		}
//	}
//
// # Events
//
// What happens without being asked for arrives on the channel of [Client.Events], in the
// order in which the service told it. It must be read. A reader that falls behind by more
// than Config.Buffer events makes the client stop reading from the service, which in turn
// holds back the others and hangs up on a client that does not read for long; nothing is
// dropped on the way. While a request waits for its answer the client reads on, so that
// requests may be made by the goroutine that reads the events; a connection that then tells
// of more than 16384 events that nobody reads is given up.
//
// # Requests
//
// Methods that take a context wait for the answer of the service. An error line of the
// service is a [msnp.Code] inside the error they return. A context that ends abandons the
// waiting, not the request.
//
// A client owns every goroutine it starts, and [Client.Close] waits for them.
package msnclient
