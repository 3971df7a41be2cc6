package launch

import (
	"slices"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/report"
)

// endpoint judges whom the evidence came from. bound is the key that the quote is over,
// or zero: somebody with this VM's guest agent's socket vouches for it. TLS has proven
// that the peer holds its own key.
func (p Params) endpoint(c report.Check, bound measure.KeyHash) {
	const name = "endpoint"
	peer := p.Evidence.Peer
	switch fresh, accepted := own(&c.Policy.Nonce), c.Policy.Endpoint.Given(); {
	case peer.IsZero() && bound.IsZero():
	case peer.IsZero():
		c.Note("bound key", bound.String(), "anyone who proves by TLS to hold this key is in this VM; the evidence was not fetched by its address, so nobody was asked for that")
	case bound != peer && !bound.IsZero():
		c.NotAllowed(name, bound.String(), peer.String(), "the server has another TLS key than the one that the quote binds: the receipt is relayed, or TLS ends before the VM, as at dstack's gateway but for its passthrough addresses")
	case bound.IsZero() && accepted:
		c.Note(name, peer.String(), "no key is bound, which ENDPOINT=unbound accepts: the server may have got the evidence from elsewhere")
		c.Accept("an endpoint that no key binds to the VM")
	case bound.IsZero():
		c.Undecided(name, "a key that the quote binds", peer.String(), "the evidence binds no key, so the server may have got it from another machine; a receipt of “git-launcher attest --bind-file” or “receipt --bind-spki” binds one", "ENDPOINT=unbound")
	case !fresh && accepted:
		c.Note(name, peer.String(), "the key is bound, but by a receipt that may be old, which ENDPOINT=unbound accepts")
		c.Accept("an endpoint whose key may have been bound in an earlier boot")
	case !fresh:
		c.Undecided(name, "a key that a fresh quote binds", peer.String(), "the receipt may be of an earlier boot, and the server may have kept the key since; --nonce random asks for a fresh one", "ENDPOINT=unbound")
	case p.exclusive(c.Policy):
		c.Pass(name, "you are talking to this VM, and to nothing else in it than the launch: the quote binds the TLS key "+peer.String())
	default:
		c.Pass(name, "this VM vouches for the server that you are talking to, though perhaps not to this launch, nor to this VM: the quote binds the TLS key "+peer.String()+", and something else in the VM, which the policy accepts, may have had that done for a key that is elsewhere")
	}
}

// own reports whether a policy has one nonce that nobody guesses. Of several, none goes with
// the question, and for a short one a server may keep a receipt of each that there is.
func own(nonce *policy.OneOf[policy.Bytes]) bool {
	texts := nonce.Texts()
	return len(texts) == 1 && len(texts[0]) >= minNonce
}

// exclusive reports whether only the launch could have had a key bound. Anything that
// an exception accepts may have the guest agent's socket, and so may anything that an
// earlier compose left on a disk, or anyone whom a flaw of the system lets in.
func (p Params) exclusive(by *policy.Policy) bool {
	return p.App.Compose != nil && len(p.App.Compose.Accepted) == 0 && !by.PersistentDisk.Given() && !by.AcceptAdvisory.Given() && !slices.Contains(by.ACPITables.Texts(), "unchecked")
}
