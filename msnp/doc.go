// Package msnp is the wire of MSN Messenger: frames, verbs, typed commands, status
// and error codes, and the pure algorithms of the protocol (challenge answers,
// MSNObject hashes). It has no goroutine, socket, clock or logger, and depends on the
// standard library only; connections and behaviour belong to its callers.
//
// A line of the protocol is a three-character verb, usually a transaction id (TrID),
// parameters separated by blanks, and CR LF. Some verbs carry a payload, whose length
// in bytes is the last parameter:
//
//	CHG 9 NLN 268435492
//	MSG 3 N 122
//	<122 bytes>
//
// [Grammar.Next] splits a read buffer into [Frame] values without copying; the ParseXXX
// functions turn a frame into a typed command that owns its memory; Append methods and
// the AppendXXX functions write lines. Versions differ in layout here and nowhere else:
// an Append method that depends on one takes a [Version].
package msnp
