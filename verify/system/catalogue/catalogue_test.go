package catalogue_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
	"gitlauncher/verify/system/catalogue"
)

// TestBuiltIn compares the catalogue with what it must say and with what can be
// derived. SECURITY.md: S2.
func TestBuiltIn(t *testing.T) {
	c := catalogue.BuiltIn()
	if len(c.Images) < 26 || len(c.Shapes) < 5 || len(c.Flaws) < 2 {
		t.Errorf("%d images, %d shapes, %d flaws", len(c.Images), len(c.Shapes), len(c.Flaws))
	}
	for _, image := range c.Images {
		flaws := make(map[string]bool)
		for _, f := range image.Flaws {
			flaws[f.ID] = f.Unclear == nil
		}
		if dev := strings.Contains(image.Name, "-dev-"); flaws[catalogue.DevImage] != dev {
			t.Errorf("%s: flaws %v", image.Name, image.Flaws)
		}
		mended := regexp.MustCompile(`-0\.6\.[2-6]$`).MatchString(image.Name)
		if _, has := flaws["GHSA-c79w-3x5w-gmm5"]; has == mended {
			t.Errorf("%s: flaws %v, and the flaw is mended in 0.6.2 and later", image.Name, image.Flaws)
		}
		if byHash, ok := c.ByHash(image.Hash); image.Hash != "" && (!ok || byHash.Name != image.Name) {
			t.Errorf("%s is not found by its hash", image.Name)
		}
		if byName, ok := c.ByName(image.Name); !ok || byName.Name != image.Name {
			t.Errorf("%s is not found by its name", image.Name)
		}
	}
	if _, ok := c.ByHash(""); ok {
		t.Error("an image without a hash is found by no hash")
	}
	image, _ := c.ByName("dstack-0.6.6")
	if image.Hash != "5aa762ee7cddc62174c13e1081d56f7ab2a9aebc513973a1d63b3775fda250ec" || image.Released != "2026-11-20" {
		t.Errorf("%+v", image)
	}
}

// TestShapes: the published registers of each shape come out of its tables and of the
// firmware's ranges.
func TestShapes(t *testing.T) {
	c := catalogue.BuiltIn()
	near, _ := c.ByName("dstack-0.5.8")
	w := near.Sets[0].Witness
	want := map[string]string{
		"1 vCPU, 2 GiB, QEMU 8.2.2":                         "68102e7b524af310f7b7d426ce75481e36c40f5d513a9009c046e9d37e31551f0134d954b496a3357fd61d03f07ffe96",
		"1 vCPU, 2 GiB, QEMU 10.2.1":                        "131221a6abfe1dfef41ac2598c1d731b44d19270b39059c59ede8a82ff2c18a812af58cf90d0047085f2bfaf54fb1229",
		"2 vCPUs, 2 GiB, QEMU 8.2.2":                        "f8438db36b96f85d8752ff7f24a89ec05c79ec9eda2ba732c897fb970ca429365b7471b1c054cb84f17b1c2b23ba6640",
		"8 vCPUs, 64 GiB, QEMU 8.2.2":                       "e673be2f70beefb70b48a6109eed4715d7270d4683b3bf356fa25fafbf1aa76e39e9127e6e688ccda98bdab1d4d47f46",
		"16 vCPUs, 64 GiB, one GPU, QEMU 9.2.1, no hotplug": "2e3843265f8ecdd4e2282694747f6f2f111605c33f2a8882f5734ee6f3a6ce63d8f34aeef06093dcda76fa5f9d33d8d6",
	}
	for _, s := range c.Shapes {
		got, err := w.RTMR0(s.Memory, s.ACPI)
		if err != nil || got.String() != want[s.Name] {
			t.Errorf("%s: RTMR0 is %s, %v", s.Name, got, err)
		}
		delete(want, s.Name)
	}
	for name := range want {
		t.Errorf("%s is not in the catalogue", name)
	}
}

// TestPublished compares the catalogue with the published values beside the checkout.
func TestPublished(t *testing.T) {
	var images struct {
		Images []struct {
			Image, Released, MRTD string
			Hash                  string `json:"os_image_hash"`
		}
	}
	var registers struct {
		Systems []struct {
			Image, MRTD, RTMR0, RTMR1, RTMR2 string
			Hash                             string `json:"os_image_hash"`
		}
	}
	for name, into := range map[string]any{"published-images.json": &images, "published-registers.json": &registers} {
		if err := json.Unmarshal(testenv.ReadFixture(t, name), into); err != nil {
			t.Fatal(err)
		}
	}
	c := catalogue.BuiltIn()
	for _, p := range images.Images {
		got, ok := c.ByName(p.Image)
		if !ok || got.Hash != p.Hash || got.Released != p.Released || p.MRTD != "" && got.Sets[0].MRTD.String() != p.MRTD {
			t.Errorf("%s: %+v", p.Image, got)
		}
	}
	for _, p := range registers.Systems {
		got, ok := c.ByName(p.Image)
		if !ok || got.Hash != p.Hash || len(got.Sets) != 1 {
			t.Errorf("%s: %+v", p.Image, got)
			continue
		}
		s := got.Sets[0]
		if s.MRTD.String() != p.MRTD || s.RTMR1.String() != p.RTMR1 || s.RTMR2.String() != p.RTMR2 {
			t.Errorf("%s: %+v", p.Image, s)
		}
		if byRegister, ok := c.ByRTMR2(*s.RTMR2); !ok || byRegister.Name != p.Image {
			t.Errorf("RTMR2 of %s finds %s", p.Image, byRegister.Name)
		}
		if r, err := s.Witness.RTMR0(64<<30, c.Shapes[3].ACPI); err != nil || r.String() != p.RTMR0 {
			t.Errorf("%s: RTMR0 is %s, %v", p.Image, r, err)
		}
	}
}

const good = `{"version":1,"sources":{"s":{"what":"a test","where":"here","date":"2026-11-26"}},
 "flaws":[{"id":"X-1","what":"it is new","source":"s"}],
 "images":[{"name":"mine-1.0","os_image_hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","source":"s","flaws":[{"id":"X-1","unclear":"s"}],"aml_sandbox":"s"}]}`

// TestWith: the entries of another file are added, or replace those of the same name.
func TestWith(t *testing.T) {
	before := len(catalogue.BuiltIn().Images)
	c, err := catalogue.BuiltIn().With([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	mine, ok := c.ByName("mine-1.0")
	if !ok || mine.Flaws[0].Unclear == nil || mine.Sandbox != "here, 2026-11-26" || len(c.Images) != before+1 || len(catalogue.BuiltIn().Images) != before {
		t.Errorf("%+v, %d images, %d before", mine, len(c.Images), before)
	}
	c, err = catalogue.BuiltIn().With([]byte(strings.Replace(good, "mine-1.0", "dstack-0.6.6", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if image, _ := c.ByName("dstack-0.6.6"); image.Hash[0] != 'a' || len(c.Images) != before {
		t.Errorf("dstack-0.6.6 is not replaced: %+v", image)
	}
	hash := "5aa762ee7cddc62174c13e1081d56f7ab2a9aebc513973a1d63b3775fda250ec" // of dstack-0.6.6
	c, err = catalogue.BuiltIn().With([]byte(strings.Replace(good, strings.Repeat("a", 64), hash, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if image, _ := c.ByHash(hash); image.Name != "mine-1.0" {
		t.Errorf("a hash has two names: %+v", image)
	}
}

// TestRefused: each kind of bad catalogue is refused by its own reason.
func TestRefused(t *testing.T) {
	set := `"sets":[{"qemu":"8","mrtd":"` + strings.Repeat("0", 96) + `","source":"s"}]`
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for bad, why := range map[string]string{
		``:                                      "JSON",
		`{"version":2}`:                         "version 2 is not known",
		with(`"what":"a test"`, `"what":""`):    "has no source",
		with(`"where":"here"`, `"where":""`):    "has no source",
		with(`2026-11-26`, `yesterday`):         "has no source",
		with(`"source":"s","flaws"`, `"flaws"`): "image mine-1.0: has no source",
		with(`"what":"it is new","source":"s"`, `"what":"it is new"`):                        "flaw X-1: has no source",
		with(`"id":"X-1","what"`, `"id":"x 1","what"`):                                       "needs an id of its own",
		with(`"flaws":[{"id":"X-1","unclear"`, `"flaws":[{"id":"X-2","unclear"`):             `flaw "X-2" is not among the flaws`,
		with(`mine-1.0`, `Mine`):                                                             "not named as images are",
		with(strings.Repeat("a", 64), "AA"+strings.Repeat("a", 62)):                          "64 lowercase",
		with(strings.Repeat("a", 64), ""):                                                    "neither os_image_hash nor registers",
		with(`"aml_sandbox":"s"`, `"aml_sandbox":"t"`):                                       `has no source "t"`,
		with(`"aml_sandbox":"s"`, strings.Replace(set, `"8"`, `"8.2"`, 1)):                   "none of the generations",
		with(`"aml_sandbox":"s"`, strings.Replace(set, `"s"`, `""`, 1)):                      "has no source",
		with(`"aml_sandbox":"s"`, strings.Replace(set, `"mrtd":"0`, `"mrtd":"`, 1)):          "image mine-1.0",
		with(`"aml_sandbox":"s"`, strings.Replace(set, `"qemu"`, `"td_hob":"00","qemu"`, 1)): "td_hob",
		with(`"images":[`, `"images":[{"name":"mine-1.0","source":"s",`+set+`},`):            "is there twice",
		with(`"images"`, `"shapes":[{"what":"a VM","acpi":["00"],"source":"s"}],"images"`):   "has 1 digests",
		with(`"images"`, `"shapes":[{"acpi":["00"],"source":"s"}],"images"`):                 "acpi",
		`{"version":1,"about":"` + strings.Repeat("a", 4<<20) + `"}`:                         "larger than 4 MiB",
	} {
		if _, err := catalogue.BuiltIn().With([]byte(bad)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.300s: %v, want %q", bad, err, why)
		}
	}
}

// FuzzWith: anything that is read as a catalogue has a source for each value, and its
// names and hashes are found again.
func FuzzWith(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := new(catalogue.Catalogue).With(data)
		if err != nil {
			return
		}
		for _, image := range c.Images {
			if image.Source.Where == "" || image.Source.Date == "" {
				t.Errorf("%s has no source", image.Name)
			}
			if got, ok := c.ByName(image.Name); !ok || got.Hash != image.Hash {
				t.Errorf("%s is not found", image.Name)
			}
			for _, flaw := range image.Flaws {
				if flaw.ID == "" || flaw.Source.Where == "" {
					t.Errorf("%s: %+v", image.Name, flaw)
				}
			}
		}
	})
}
