package msnp_test

import (
	"testing"

	"monarch/msnp"
)

// The answers are those of the protocol notes; the last is also in a client's own tests.
func TestChallengeAnswers(t *testing.T) {
	for _, c := range []struct{ name, challenge, product, want string }{
		{"the product of many clients", "12345678901234567890", "msmsgs@msnmsgr.com", "8ba1bb9d6dbf624fee31a2053af5fdd0"},
		{"gaim and BitlBee", "12345678901234567890", "PROD0038W!61ZTF9", "c64fe621f55832479b97b7f50829d5c1"},
		{"MSN Messenger 6", "12345678901234567890", "PROD0061VRRZH@4F", "30bba2cf70fb75e1869eb8dc111b51fb"},
		{"another challenge", "29409134351025259292", "msmsgs@msnmsgr.com", "d0c1178c689350104350d99f8c36ed9c"},
		{"a client's test", "15570131571988941333", "msmsgs@msnmsgr.com", "8f2f5a91b72102cd28355e9fc9000d6e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, ok := msnp.ProductByID(c.product)
			if !ok {
				t.Fatalf("the product %s is not known", c.product)
			}
			if got := p.Answer(c.challenge); got != c.want {
				t.Errorf("%s answers %s to %s, want %s", c.product, got, c.challenge, c.want)
			}
		})
	}
}

func TestProducts(t *testing.T) {
	for _, p := range msnp.Products {
		if got, ok := msnp.ProductByID(p.ID); !ok || got != p {
			t.Errorf("ProductByID(%q) = %v, %v", p.ID, got, ok)
		}
		if len(p.Key) != 16 {
			t.Errorf("the key of %s has %d characters", p.ID, len(p.Key))
		}
	}
	for _, id := range []string{"PROD00517IFH4@RV", "prod0038w!61ztf9", ""} {
		if got, ok := msnp.ProductByID(id); ok || got != (msnp.Product{}) {
			t.Errorf("ProductByID(%q) = %v, %v; its key is not known", id, got, ok)
		}
	}
}
