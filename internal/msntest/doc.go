// Package msntest plays transcripts of the protocol against a running server: who sends
// what on which connection, and what has to come back. What the lines mean is written in
// the transcripts and in docs/protocol; this package knows only how to send, receive and
// compare them, and how to start a complete server for a test.
//
// The form of the files is described in docs/protocol/scenarios.md#transcripts. A test
// that needs more than a transcript can say starts a server with [Start] and mixes
// [Player.Play] with code of its own.
package msntest
