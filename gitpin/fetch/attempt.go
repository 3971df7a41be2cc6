package fetch

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/fetch/uploadpack"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/printable"
)

// open connects to the repository.
func (f *fetcher) open(ctx context.Context, alive *remote.Pulse) (remote.Session, error) {
	return remote.Open(ctx, f.params.Repo, f.params.Auth, f.login, alive)
}

// watched returns a context that ends when the server is silent for too long. The patience
// doubles with each try that ended in silence: a server may need time before its first
// byte, and a proxy in between may hold back its signs of life.
func (f *fetcher) watched(ctx context.Context) (context.Context, *remote.Pulse, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	patience := f.params.StallTimeout
	for range f.silent {
		patience = min(2*patience, max(f.params.PackTimeout, f.params.StallTimeout))
	}
	return ctx, remote.NewPulse(patience, func() { cancel(&stalledError{patience}) }), cancel
}

// attempt opens one connection, asks for the pack, and passes it to consume.
func (f *fetcher) attempt(ctx context.Context, everything bool, consume func(context.Context, io.Reader) error) error {
	ctx, alive, cancel := f.watched(ctx)
	defer cancel(nil)
	begun := time.AfterFunc(f.params.PackTimeout, func() { cancel(errNoPack) })
	defer begun.Stop()

	s, err := f.open(ctx, alive)
	if err != nil {
		return f.classifyIn(ctx, "connecting to the repository", err)
	}
	defer s.Close()
	body, err := f.request(ctx, s, everything)
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			f.silent++
		}
		return err
	}
	first := true
	pack := &stream{ctx: ctx, r: &headed{r: body, told: f.params.Objects}, moved: func(n int) {
		if first && n > 0 {
			first = false
			begun.Stop()
			f.params.Receiving()
		}
		f.params.Progress(int64(n))
	}}
	defer pack.end()
	if err := consume(ctx, pack); err != nil {
		if broken := pack.broke(err); broken != nil {
			if b, ok := s.(*remote.Bundle); ok {
				broken = b.Ended(broken)
			}
			return f.classify("receiving the pack", broken)
		}
		return err
	}
	return nil
}

// request asks for the pack, and returns when the server begins to send it.
func (f *fetcher) request(ctx context.Context, s remote.Session, everything bool) (io.Reader, error) {
	refused := false
	if w, ok := s.(*remote.Web); ok && !everything && f.params.Commit.Format() == object.SHA1 {
		pack, err := f.atOnce(w)
		if err == nil {
			return pack, nil
		}
		var said *uploadpack.RemoteError
		if refused = errors.As(err, &said); !refused && (ctx.Err() != nil || !w.Answered(err)) {
			return nil, f.classifyIn(ctx, "asking for the commit", err)
		}
	}
	refs, err := s.References("")
	if err == nil {
		err = f.suits(refs)
	}
	if err != nil {
		return nil, f.classifyIn(ctx, "reading the repository's references", err)
	}
	tips := refs.Tips()
	req := &uploadpack.Request{Capabilities: uploadpack.Capable(refs.Has, f.params.History, false)}
	advertised := false
	for _, id := range tips {
		advertised = advertised || id == f.params.Commit
	}
	switch {
	case everything && len(tips) == 0:
		return nil, f.classify("reading the repository's references", uploadpack.ErrEmpty)
	case everything:
		req.Wants = tips
	case refused && !advertised:
		return nil, errRefused
	default:
		req.Wants = []object.ID{f.params.Commit}
		req.Shallow = refs.Has("shallow") && !f.params.History
	}
	pack, err := f.send(s, req)
	if err != nil {
		if !everything && !advertised && ctx.Err() == nil && refuses(err) {
			return nil, errRefused
		}
		return nil, f.classifyIn(ctx, "asking for the commit", err)
	}
	return pack, nil
}

// suits returns an error if no repository of this object format can hold the pin.
func (f *fetcher) suits(refs *uploadpack.References) error {
	if pin := f.params.Commit.Format(); refs.Format != pin {
		return &uploadpack.FormatError{Repo: refs.Format, Pin: pin}
	}
	return nil
}

// atOnce asks a web server for the pin without reading its references first. Over HTTP they
// take another request, and often more bytes than the pack, because large hosts have one
// for every pull request there ever was. The request assumes what every server of the last
// ten years can do, and that the repository's object format is SHA-1.
func (f *fetcher) atOnce(w *remote.Web) (io.Reader, error) {
	return f.send(w, &uploadpack.Request{
		Wants:        []object.ID{f.params.Commit},
		Capabilities: uploadpack.Capable(func(string) bool { return true }, f.params.History, false),
		Shallow:      !f.params.History,
	})
}

// refuses reports whether an error may mean that the server sends advertised commits
// only. Old servers end the connection without a word.
func refuses(err error) bool {
	var said *uploadpack.RemoteError
	var ended *answer.EndedError
	return errors.As(err, &said) || errors.As(err, &ended) || errors.Is(err, io.ErrUnexpectedEOF)
}

// send asks for a pack, and reads the answer up to the pack's first byte.
func (f *fetcher) send(s remote.Session, req *uploadpack.Request) (io.Reader, error) {
	body, err := s.Ask(req)
	if err != nil {
		return nil, err
	}
	if _, all := s.(*remote.Bundle); all {
		f.params.Asked(false)
		return body, nil
	}
	f.params.Asked(req.Shallow)
	pack, err := req.Answer(body, f.said)
	if err != nil {
		err = s.Ended(err)
	}
	return pack, err
}

// said passes on what the server says about its progress, line by line.
func (f *fetcher) said(text []byte) {
	if f.params.Said == nil {
		return
	}
	for line := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = printable.Line(line, f.secrets()...); line != "" {
			f.params.Said(line)
		}
	}
}
