package catalogue

import (
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/tdvf"
)

// MaxFile is the largest catalogue that is read: 4 MiB.
const MaxFile = 4 << 20

//go:embed systems.json
var builtIn []byte

// Catalogue holds what is known about published systems.
type Catalogue struct {
	Images []Image // in the file's order
	Flaws  []Flaw
	Shapes []system.Shape
}

// Image is a published image.
type Image struct {
	system.Image
	Released string // a date; empty where the source has none
	Source   Source
	Flaws    []ImageFlaw
}

// DevImage is the id of the flaw that development images have: somebody can log in to
// them.
const DevImage = "DEV-IMAGE"

// Flaw is a known flaw of systems.
type Flaw struct {
	ID     string
	What   string
	Source Source
}

// ImageFlaw is a flaw that an image has, or may have.
type ImageFlaw struct {
	Flaw
	// Unclear is the source that leaves open whether the image has the flaw. It is nil
	// if the image has it.
	Unclear *Source
}

// Source says where a value was published.
type Source struct {
	What, Where string
	Date        string // of the source, or of the day when it was read
}

func (s Source) String() string { return s.Where + ", " + s.Date }

// file is the form of systems.json.
type file struct {
	Version int               `json:"version"`
	About   string            `json:"about"`
	Sources map[string]source `json:"sources"`
	Flaws   []struct {
		ID     string `json:"id"`
		What   string `json:"what"`
		Source string `json:"source"`
	} `json:"flaws"`
	Shapes []struct {
		What   string   `json:"what"`
		Memory uint64   `json:"memory_mib"`
		ACPI   []string `json:"acpi"`
		Source string   `json:"source"`
	} `json:"shapes"`
	Images []image `json:"images"`
}

type source struct {
	What  string `json:"what"`
	Where string `json:"where"`
	Date  string `json:"date"`
}

type image struct {
	Name     string `json:"name"`
	Hash     string `json:"os_image_hash"`
	Released string `json:"released"`
	Source   string `json:"source"`
	Note     string `json:"note"`
	Sandbox  string `json:"aml_sandbox"` // a source
	Flaws    []struct {
		ID      string `json:"id"`
		Unclear string `json:"unclear"` // a source
	} `json:"flaws"`
	Sets []struct {
		QEMU       string `json:"qemu"`
		MRTD       string `json:"mrtd"`
		RTMR1      string `json:"rtmr1"`
		RTMR2      string `json:"rtmr2"`
		Witness    string `json:"td_hob"`
		Normalised bool   `json:"kernel_header_normalized"`
		Source     string `json:"source"`
	} `json:"sets"`
}

// BuiltIn returns this program's own catalogue.
var BuiltIn = sync.OnceValue(func() *Catalogue {
	c, err := new(Catalogue).With(builtIn)
	if err != nil {
		panic(err) // a test parses the file
	}
	return c
})

// With returns a copy of the catalogue with the entries of another file added. An image
// of the same name or hash, or a flaw of the same id, is replaced. The entries of a
// file cite that file's own sources.
func (c *Catalogue) With(data []byte) (*Catalogue, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("systems: is larger than %d MiB", MaxFile>>20)
	}
	var f file
	if err := strictjson.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("systems: %w", err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("systems: version %d is not known to this program", f.Version)
	}
	out := &Catalogue{Images: slices.Clone(c.Images), Flaws: slices.Clone(c.Flaws), Shapes: slices.Clone(c.Shapes)}
	r := reader{file: &f, into: out}
	r.flaws()
	r.shapes()
	seen := make(map[string]bool)
	for i := range f.Images {
		for _, key := range []string{f.Images[i].Name, f.Images[i].Hash} {
			if key != "" && seen[key] {
				r.fail("image %s: is there twice, by name or by hash", f.Images[i].Name)
			}
			seen[key] = true
		}
		r.image(&f.Images[i])
	}
	if r.err != nil {
		return nil, fmt.Errorf("systems: %w", r.err)
	}
	return out, nil
}

// reader turns a file's strings into values. It keeps the first error.
type reader struct {
	file *file
	into *Catalogue
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// source returns the source of a key. A value without a source is an error.
func (r *reader) source(of, key string) Source {
	s, ok := r.file.Sources[key]
	_, err := time.Parse(time.DateOnly, s.Date)
	if !ok || s.What == "" || s.Where == "" || err != nil {
		r.fail("%s: has no source %q with what, where and date (2026-01-31)", of, key)
	}
	return Source(s)
}

func (r *reader) register(of, hex string) *measure.Register {
	if hex == "" {
		return nil
	}
	v, err := measure.ParseRegister(hex)
	if err != nil {
		r.fail("%s: %w", of, err)
	}
	return &v
}

// flawID is the form of a flaw's id. Policies name flaws by it.
var flawID = regexp.MustCompile(`^[A-Z0-9][A-Za-z0-9-]{0,63}$`)

func (r *reader) flaws() {
	seen := make(map[string]bool)
	for _, f := range r.file.Flaws {
		if !flawID.MatchString(f.ID) || f.What == "" || seen[f.ID] {
			r.fail("flaw %q: needs an id of its own and what it is", f.ID)
		}
		seen[f.ID] = true
		flaw := Flaw{f.ID, f.What, r.source("flaw "+f.ID, f.Source)}
		r.into.Flaws = append(slices.DeleteFunc(r.into.Flaws, func(old Flaw) bool { return old.ID == f.ID }), flaw)
	}
}

func (r *reader) shapes() {
	for _, s := range r.file.Shapes {
		acpi, err := tdvf.ParseACPI(strings.Join(s.ACPI, ","))
		if err != nil {
			r.fail("shape %q: acpi: %w", s.What, err)
		}
		if s.What == "" {
			r.fail("a shape needs a word on what it is")
		}
		r.into.Shapes = append(r.into.Shapes, system.Shape{
			Name: s.What, Memory: s.Memory << 20, ACPI: acpi, Source: r.source("shape "+s.What, s.Source).String(),
		})
	}
}

// imageName is the form of an image's name. Policies name images by it.
var imageName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func (r *reader) image(in *image) {
	of := "image " + in.Name
	if !imageName.MatchString(in.Name) {
		r.fail("image %q: is not named as images are", in.Name)
	}
	if hash, err := hex.DecodeString(in.Hash); err != nil || strings.ToLower(in.Hash) != in.Hash || len(hash) != 32 && in.Hash != "" {
		r.fail("%s: os_image_hash is not 64 lowercase hexadecimal digits", of)
	}
	if in.Hash == "" && len(in.Sets) == 0 {
		r.fail("%s: has neither os_image_hash nor registers", of)
	}
	out := Image{Image: system.Image{Name: in.Name, Hash: in.Hash}, Released: in.Released, Source: r.source(of, in.Source)}
	if in.Sandbox != "" {
		out.Sandbox = r.source(of, in.Sandbox).String()
	}
	for _, f := range in.Flaws {
		i := slices.IndexFunc(r.into.Flaws, func(known Flaw) bool { return known.ID == f.ID })
		if i < 0 {
			r.fail("%s: flaw %q is not among the flaws", of, f.ID)
			continue
		}
		flaw := ImageFlaw{Flaw: r.into.Flaws[i]}
		if f.Unclear != "" {
			s := r.source(of, f.Unclear)
			flaw.Unclear = &s
		}
		out.Flaws = append(out.Flaws, flaw)
	}
	out.Sets = r.sets(of, in)
	r.into.Images = append(slices.DeleteFunc(r.into.Images, func(old Image) bool {
		return old.Name == in.Name || old.Hash != "" && old.Hash == in.Hash
	}), out)
}

func (r *reader) sets(of string, in *image) (sets []system.Set) {
	for _, s := range in.Sets {
		set := system.Set{
			Generation: system.Generation(s.QEMU), Normalised: s.Normalised, Source: r.source(of, s.Source).String(),
			MRTD: r.register(of, s.MRTD), RTMR1: r.register(of, s.RTMR1), RTMR2: r.register(of, s.RTMR2),
		}
		if !slices.Contains([]system.Generation{system.Generation8, system.Generation9, system.Generation102}, set.Generation) {
			r.fail("%s: qemu is none of the generations 8, 9 and 10.2", of)
		}
		if s.Witness != "" {
			raw, err := hex.DecodeString(s.Witness)
			w, err2 := tdvf.ParseWitness(raw)
			if err := errors.Join(err, err2); err != nil {
				r.fail("%s: td_hob: %w", of, err)
			}
			set.Witness = &w
		}
		sets = append(sets, set)
	}
	return sets
}

// ByName returns the image of a name.
func (c *Catalogue) ByName(name string) (Image, bool) {
	return c.find(func(i Image) bool { return i.Name == name })
}

// ByHash returns the image of an os_image_hash, which is lowercase hex.
func (c *Catalogue) ByHash(hash string) (Image, bool) {
	return c.find(func(i Image) bool { return hash != "" && i.Hash == hash })
}

// ByRTMR2 returns the image whose command line and initrd a quote attests. The command
// line names the hash of the root file system, so no other image has the same.
func (c *Catalogue) ByRTMR2(rtmr2 measure.Register) (Image, bool) {
	return c.find(func(i Image) bool {
		return slices.ContainsFunc(i.Sets, func(s system.Set) bool { return s.RTMR2 != nil && *s.RTMR2 == rtmr2 })
	})
}

func (c *Catalogue) find(is func(Image) bool) (Image, bool) {
	i := slices.IndexFunc(c.Images, is)
	if i < 0 {
		return Image{}, false
	}
	return c.Images[i], true
}
