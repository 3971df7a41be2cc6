package oci

import (
	"errors"
	"strings"
	"testing"
)

var d1 = Sum([]byte("1")).String()

func manifestJSON(mediaType, configType string) string {
	return `{"schemaVersion":2,` + mediaType + `"config":{"mediaType":"` + configType + `","digest":"` + d1 + `","size":1},"layers":[]}`
}

func indexJSON(mediaType, child string) string {
	return `{"schemaVersion":2,` + mediaType + `"manifests":[` + child + `]}`
}

func typed(s string) string { return `"mediaType":"` + s + `",` }

// TestParseDocument is for SECURITY.md: R2.
func TestParseDocument(t *testing.T) {
	child := `{"mediaType":"` + ociManifest + `","digest":"` + d1 + `","size":1,"platform":{"os":"linux","architecture":"amd64","variant":"v1"}}`
	for _, c := range []struct{ name, data, fault string }{
		{"manifest", manifestJSON(typed(ociManifest), ociConfig), ""},
		{"Docker's", manifestJSON(typed(dockerManifest), dockerConfig), ""},
		{"manifest without media type", manifestJSON("", ociConfig), ""},
		{"index", indexJSON(typed(ociIndex), child), ""},
		{"Docker's list", indexJSON(typed(dockerIndex), child), ""},
		{"index without media type", indexJSON("", child), ""},
		{"empty index", indexJSON("", ""), ""},

		{"manifest that calls itself an index", manifestJSON(typed(ociIndex), ociConfig), "calls itself"},
		{"index that calls itself a manifest", indexJSON(typed(ociManifest), child), "calls itself"},
		{"manifest that calls itself a layer", manifestJSON(typed("application/gzip"), ociConfig), "calls itself"},
		{"both in one", `{"schemaVersion":2,"manifests":[],"config":{"mediaType":"` + ociConfig + `","digest":"` + d1 + `","size":1},"layers":[]}`, "as an index and as an image manifest"},
		{"index with layers", `{"schemaVersion":2,"manifests":[],"layers":[]}`, "as an index and as an image manifest"},
		{"neither", `{"schemaVersion":2}`, "neither"},
		{"manifest without layers", `{"schemaVersion":2,"config":{"mediaType":"` + ociConfig + `","digest":"` + d1 + `","size":1}}`, "neither"},
		{"artifact", manifestJSON("", "application/vnd.oci.empty.v1+json"), "not a container image"},
		{"schema 1", `{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[]}`, "schema 1"},
		{"schema 1 that says 2", `{"schemaVersion":2,"fsLayers":[]}`, "schema 1"},
		{"schema 3", `{"schemaVersion":3}`, "no schemaVersion 2"},
		{"no schema", `{"manifests":[]}`, "no schemaVersion 2"},
		{"key twice", `{"schemaVersion":2,"manifests":[],"manifests":[]}`, "twice"},
		{"key in another case", `{"schemaVersion":2,"Manifests":[],"config":{"mediaType":"` + ociConfig + `","digest":"` + d1 + `","size":1},"layers":[]}`, "is meant"},
		{"child without type", indexJSON("", `{"digest":"`+d1+`","size":1}`), "entry 0 of the index: has no mediaType"},
		{"child without size", indexJSON("", `{"mediaType":"x","digest":"`+d1+`"}`), "has no size"},
		{"child with another hash", indexJSON("", `{"mediaType":"x","digest":"sha512:00","size":1}`), "its digest is not"},
		{"config without digest", `{"schemaVersion":2,"config":{"mediaType":"` + ociConfig + `","size":1},"layers":[]}`, "config: its digest is not"},
		{"layer without digest", `{"schemaVersion":2,"config":{"mediaType":"` + ociConfig + `","digest":"` + d1 + `","size":1},"layers":[{"mediaType":"x","size":1}]}`, "layer 0: its digest"},
		{"as many children as may be", indexJSON("", strings.TrimSuffix(strings.Repeat(child+",", maxChildren), ",")), ""},
		{"too many children", indexJSON("", strings.TrimSuffix(strings.Repeat(child+",", maxChildren+1), ",")), "more than 1000"},
		{"as large as may be", indexJSON("", "") + strings.Repeat(" ", MaxDocument-len(indexJSON("", ""))), ""},
		{"too large", indexJSON("", "") + strings.Repeat(" ", MaxDocument-len(indexJSON("", ""))+1), "larger than 4 MiB"},
		{"no JSON", "<html>", "JSON"},
	} {
		doc, err := ParseDocument([]byte(c.data))
		if c.fault == "" && (err != nil || (doc.Index == nil) == (doc.Config == nil)) || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	_, err := ParseDocument([]byte(`{"schemaVersion":1,"fsLayers":[]}`))
	if !errors.Is(err, ErrSchema1) {
		t.Errorf("schema 1 is %v", err)
	}
}

func TestParseConfig(t *testing.T) {
	for _, c := range []struct{ name, data, fault string }{
		{"good", `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},"config":{"Env":["A=b"]}}`, ""},
		{"no rootfs", `{"os":"linux","architecture":"amd64"}`, "not an image config"},
		{"no os", `{"architecture":"amd64","rootfs":{"type":"layers"}}`, "not an image config"},
		{"a manifest", manifestJSON("", ociConfig), "not an image config"},
		{"two spellings of Env", `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers"},"config":{"Env":["A=b"],"env":["A=c"]}}`, "is meant"},
	} {
		_, err := ParseConfig([]byte(c.data))
		if (c.fault == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestParsePlatform(t *testing.T) {
	for _, s := range []string{"linux/amd64", "linux/arm/v7"} {
		if p, err := ParsePlatform(s); err != nil || p.String() != s {
			t.Errorf("%s: %v %v", s, p, err)
		}
	}
	for _, s := range []string{"", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "Linux/amd64", "linux/amd 64"} {
		if p, err := ParsePlatform(s); err == nil {
			t.Errorf("%q is %v", s, p)
		}
	}
	is := func(a, b string, want bool) {
		p, _ := ParsePlatform(a)
		q, _ := ParsePlatform(b)
		if p.Is(q) != want {
			t.Errorf("%s is %s: %v", a, b, !want)
		}
	}
	is("linux/arm64", "linux/arm64/v8", true)
	is("linux/amd64", "linux/amd64/v1", true)
	is("linux/amd64", "linux/amd64/v3", false)
	is("linux/arm/v6", "linux/arm/v7", false)
}

func TestParseName(t *testing.T) {
	for _, c := range []struct{ in, domain, path, tag, shown string }{
		{"nearone/mpc-node", "docker.io", "nearone/mpc-node", "", "nearone/mpc-node"},
		{"docker.io/nearone/mpc-node:3.0", "docker.io", "nearone/mpc-node", "3.0", "nearone/mpc-node"},
		{"busybox", "docker.io", "library/busybox", "", "busybox"},
		{"127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b", "", "127.0.0.1:5000/a/b"},
		{"ghcr.io/near/mpc:x", "ghcr.io", "near/mpc", "x", "ghcr.io/near/mpc"},
	} {
		n, err := ParseName(c.in)
		if err != nil || n.Domain() != c.domain || n.Path() != c.path || n.Tag() != c.tag || n.String() != c.shown {
			t.Errorf("%s: %+v %v", c.in, n, err)
		}
	}
	for _, s := range []string{"", "a/B", "a b", "-x", "a@" + d1, "https://ghcr.io/a", "a:", d1, d1[7:], "../a", "a//b", "user:pw@host/a"} {
		if n, err := ParseName(s); err == nil {
			t.Errorf("%q is %v", s, n)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := ParseDocument(data)
		if err == nil && (doc.Index == nil) == (doc.Config == nil) {
			t.Fatal("neither one nor the other")
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseConfig(data); err == nil && c.Platform.OS == "" {
			t.Fatal("no platform")
		}
	})
}
