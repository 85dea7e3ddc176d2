package web

import (
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// readyFile is a file that people download instead of typing.
type readyFile struct {
	name      string // that it is saved under
	mediaType string
	content   func(surroundings) []byte // empty: there is none here
}

// connectFiles are all of them, by the last part of their address.
var connectFiles = map[string]readyFile{
	"messenger-1-4.reg":    {"messenger-1-4.reg", typeReg, registry1},
	"messenger-5-6.reg":    {"messenger-5-6.reg", typeReg, registry5},
	"messenger-forget.reg": {"messenger-forget.reg", typeReg, registryForget},
	"hosts.txt":            {"monarch-hosts.txt", typeText, hostsWindows},
	"hosts-unix.txt":       {"monarch-hosts.txt", typeText, hostsUnix},
	"monarch-ca.crt":       {"monarch-ca.crt", "application/x-x509-ca-cert", authorityDER},
	"monarch-ca.pem":       {"monarch-ca.pem", "application/x-pem-file", authorityPEM},
	"pidgin.xml":           {"accounts.xml", typeXML, pidginAccounts},
	"amsn.xml":             {"config.xml", typeXML, amsnConfig},
	"bitlbee.txt":          {"bitlbee.txt", typeText, bitlbeeCommands},
	"miranda.ini":          {"autoexec_msn.ini", typeText, mirandaSettings},
}

const (
	typeReg  = "text/x-ms-regedit"
	typeText = "text/plain; charset=utf-8"
	typeXML  = "application/xml"
)

// connectFiles returns the names of the files that there are here.
func (s *Server) connectFiles() []string {
	names := slices.Sorted(maps.Keys(connectFiles))
	if s.cfg.Clients.authority() == nil {
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "monarch-ca.") })
	}
	return names
}

// connectFile answers with a file, to be saved.
func (s *Server) connectFile(w http.ResponseWriter, r *http.Request) error {
	file, ok := connectFiles[r.PathValue("file")]
	if !ok {
		return errNotFound
	}
	content := file.content(s.surroundings(r, nil))
	if len(content) == 0 {
		return errNotFound
	}
	w.Header().Set("Cache-Control", "private, max-age=0") // old browsers save nothing that says no-store
	return download(w, file.name, file.mediaType, content)
}

// crlf joins lines as Windows has them.
func crlf(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// reg returns a file for the registry editor of Windows 95 and later.
func reg(key, value string) []byte {
	return crlf("REGEDIT4", "", `[HKEY_CURRENT_USER\Software\Microsoft\`+key+`]`, `"Server"=`+value, "")
}

// registry1 tells MSN Messenger 1.0 to 4.7 where the server is.
func registry1(a surroundings) []byte { return reg("MessengerService", `"`+a.DispatchHost+`"`) }

// registry5 does the same for 5.0 to 6.2, which want the host twice: as it is called, and where
// to connect to.
func registry5(a surroundings) []byte {
	to := a.DispatchHost
	if a.Known && to == a.Host {
		to = a.Address
	}
	return reg("MSNMessenger", fmt.Sprintf(`"%s;%s:%s"`, a.DispatchHost, to, a.DispatchPort))
}

// registryForget removes what they remember of another server.
func registryForget(surroundings) []byte { return reg("MSNMessenger", "-") }

func hostsWindows(a surroundings) []byte { return crlf(a.HostsLines()...) }

func hostsUnix(a surroundings) []byte { return []byte(strings.Join(a.HostsLines(), "\n") + "\n") }

func authorityDER(a surroundings) []byte {
	if a.Authority == nil {
		return nil
	}
	return a.Authority.cert.Raw
}

func authorityPEM(a surroundings) []byte {
	if a.Authority == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Authority.cert.Raw})
}

// pidginAccounts is the list of accounts of somebody who has none yet, in libpurple's form.
func pidginAccounts(a surroundings) []byte {
	return []byte(strings.NewReplacer("HANDLE", inXML(a.Handle), "SERVER", inXML(a.DispatchHost), "PORT", inXML(a.DispatchPort)).Replace(
		`<?xml version='1.0' encoding='UTF-8' ?>

<account version='1.0'>
	<account>
		<protocol>prpl-msn</protocol>
		<name>HANDLE</name>
		<settings>
			<setting name='server' type='string'>SERVER</setting>
			<setting name='port' type='int'>PORT</setting>
			<setting name='http_method' type='bool'>0</setting>
		</settings>
	</account>
</account>
`))
}

// amsnConfig is aMSN's settings for an account that was not used yet; what is missing is at its
// default.
func amsnConfig(a surroundings) []byte {
	return []byte(strings.NewReplacer("SERVER", inXML(a.DispatchHost+":"+a.DispatchPort)).Replace(
		`<?xml version="1.0"?>

<config>
   <entry>
      <attribute>start_ns_server</attribute>
      <value>SERVER</value>
   </entry>
</config>
`))
}

// inXML escapes a text.
func inXML(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "" // a builder takes everything
	}
	return b.String()
}

// bitlbeeCommands are for the control channel.
func bitlbeeCommands(a surroundings) []byte {
	return []byte("account add msn " + a.Handle + " PASSWORD\naccount on\n")
}

// mirandaSettings is in the form that Miranda's database takes in by itself, when it starts: a
// letter before each value says its type, and l removes it.
func mirandaSettings(a surroundings) []byte {
	return crlf("[MSN]", "e-mail=s"+a.Handle, "LoginServer=s"+a.DispatchHost, "MSNMPort=w"+a.DispatchPort, "MsnPassportHost=l")
}
