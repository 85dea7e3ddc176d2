// Package bare is the yardstick for the server: a relay that does only the reads, the
// re-framing and the writes that relaying cannot avoid, on plain epoll. It leaves out everything
// that makes a server: who people are, deadlines, limits, metrics, logs.
//
// What it understands, in lines that end in CR LF:
//
//	PAIR n              joins the two connections that say the same n; each is answered
//	                    PAIR n once both are there. Neither may say more before.
//	MSG trid ack length  and that many bytes of payload, from one of a pair: its partner gets
//	                    MSG with handle, nick and length, and the payload. Nothing is
//	                    acknowledged.
//	WATCH               joins the audience; answered WATCH.
//	CHG trid status 0   is echoed, and the audience gets NLN with status, handle, nick and 0.
//
// Anything else ends the connection.
package bare
