package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Cluster is how this node and others are one service.
type Cluster struct {
	Mode       string   `toml:"mode"`
	Node       string   `toml:"node"` // "" is the machine's host name
	Listen     string   `toml:"listen"`
	Peers      []string `toml:"peers"`
	Roles      []string `toml:"roles"`
	Capacity   int      `toml:"capacity"`
	Secret     string   `toml:"secret"`
	SecretFile string   `toml:"secret_file"`
	NATSURL    string   `toml:"nats_url"`
	Cert       string   `toml:"cert"`
	Key        string   `toml:"key"`
	CA         string   `toml:"ca"`
}

// The values of cluster.mode.
const (
	ClusterOff      = "off"      // this node is alone
	ClusterEmbedded = "embedded" // nodes connect with each other
	ClusterExternal = "external" // nodes meet at a NATS server
)

// What a node may do.
const (
	RoleDispatch     = "dispatch"
	RoleNotification = "notification"
	RoleSwitchboard  = "switchboard"
	RolePassport     = "passport"
	RoleWeb          = "web"
)

// roles are all that there are.
func roles() []string {
	return []string{RoleDispatch, RoleNotification, RoleSwitchboard, RolePassport, RoleWeb}
}

// Has reports whether the node has a role.
func (c Cluster) Has(role string) bool { return slices.Contains(c.Roles, role) }

// minSecret is the shortest cluster.secret that cannot be guessed.
const minSecret = 16

var nodeNames = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`)

// NodeName returns what this node is called, the default spelled out.
func (c Cluster) NodeName() (string, error) {
	if c.Node != "" {
		return c.Node, nil
	}
	name, err := os.Hostname()
	if err != nil || !nodeNames.MatchString(name) {
		return "", fmt.Errorf("cluster.node is empty, and the host name %q will not do; give this node a name", name)
	}
	return name, nil
}

// TheSecret returns what the nodes share: the first line of the file, if one is named.
func (c Cluster) TheSecret() (string, error) {
	secret := c.Secret
	if c.SecretFile != "" {
		var err error
		if secret, err = firstLine("cluster.secret_file", c.SecretFile, "secret"); err != nil {
			return "", err
		}
	}
	if len(secret) < minSecret {
		return "", fmt.Errorf("cluster.secret is shorter than %d characters; make one with: openssl rand -hex 20", minSecret)
	}
	return secret, nil
}

// cluster checks the section. Values that may be secret are not repeated.
func (p *problems) cluster(c Cluster) {
	p.oneOf("cluster.mode", c.Mode, ClusterOff, ClusterEmbedded, ClusterExternal)
	p.roles(c)
	if c.Mode == ClusterOff {
		return
	}
	if c.Node != "" && !nodeNames.MatchString(c.Node) {
		p.add("cluster.node is %q; write 1 to 64 letters, digits, dots, hyphens and underscores, as host names are", c.Node)
	} else if _, err := c.NodeName(); err != nil {
		p.add("%w", err)
	}
	if (c.Cert == "") != (c.Key == "") {
		p.add("cluster.cert and cluster.key belong together; set both or neither")
	}
	if c.Cert != "" && c.CA == "" {
		p.add("cluster.ca is empty; name the authority that made the certificates of all nodes")
	}
	if c.Capacity < 1 {
		p.add("cluster.capacity is %d; write how many people this node is good for, which is at least 1", c.Capacity)
	}
	switch c.Mode {
	case ClusterEmbedded:
		p.embedded(c)
	case ClusterExternal:
		p.external(c)
	}
}

// roles checks what the node is to do. One that is alone has to do everything; only a website it need not have.
func (p *problems) roles(c Cluster) {
	for i, role := range c.Roles {
		switch {
		case !slices.Contains(roles(), role):
			p.add("cluster.roles has %q; choose from %s", role, strings.Join(roles(), ", "))
		case slices.Contains(c.Roles[:i], role):
			p.add("cluster.roles has %q twice; write each once", role)
		}
	}
	if len(c.Roles) == 0 {
		p.add("cluster.roles is empty; choose from %s", strings.Join(roles(), ", "))
		return
	}
	for _, role := range roles() {
		if c.Mode == ClusterOff && role != RoleWeb && !c.Has(role) {
			p.add("cluster.roles lacks %q, but cluster.mode is \"off\": this node is alone, and nobody else does it", role)
		}
	}
}

// shared checks that several nodes can have the same database.
func (p *problems) shared(c Config) {
	if c.Cluster.Mode != ClusterOff && strings.HasPrefix(c.DatabaseURL(), "sqlite:") {
		p.add("cluster.mode is %q, but database.url is a file of SQLite, which one node has to itself; "+
			"write a database that all nodes can reach, like \"postgres://monarch:password@db.example.com/monarch\"", c.Cluster.Mode)
	}
}

func (p *problems) embedded(c Cluster) {
	for _, peer := range c.Peers {
		if !isHostPort(peer) {
			p.add("cluster.peers: %q is no host and port; write where another node listens, like \"node-2.example.com:6222\"", peer)
		}
	}
	secret := c.Secret != "" || c.SecretFile != ""
	switch {
	case secret && c.CA != "":
		p.add("cluster.secret and cluster.ca both say who may join; set one of them, and leave the other empty")
	case !secret && c.CA == "":
		p.add("cluster.secret is empty; give all nodes the same one, made with: openssl rand -hex 20")
	case !secret && c.Cert == "":
		p.add("cluster.cert is empty; name this node's certificate, or use cluster.secret in place of certificates")
	case c.SecretFile == "" && secret && len(c.Secret) < minSecret:
		p.add("cluster.secret is shorter than %d characters; make one with: openssl rand -hex 20", minSecret)
	}
}

func (p *problems) external(c Cluster) {
	if c.Secret != "" || c.SecretFile != "" {
		p.add("cluster.secret does nothing where cluster.mode is \"external\": whom NATS lets in, it knows itself; " +
			"leave it empty, and give NATS a password, in cluster.nats_url, or certificates")
	}
	servers := List(c.NATSURL)
	if len(servers) == 0 {
		p.add("cluster.nats_url is empty; write where NATS is, like \"nats://user:password@nats.example.com:4222\"")
	}
	for _, server := range servers {
		u, err := url.Parse(server)
		if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
			p.add("cluster.nats_url has something that is no address of NATS; write each like \"nats://user:password@nats.example.com:4222\"")
		}
	}
}

func isHostPort(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && n != 0 && host != "" && !strings.ContainsAny(host, " /@")
}
