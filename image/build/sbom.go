package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gitlauncher/image/build/debian"
)

// spdxDocument is the part of SPDX 2.3 that names packages
// (https://spdx.github.io/spdx-spec/v2.3/).
type spdxDocument struct {
	SPDXVersion   string             `json:"spdxVersion"`
	DataLicense   string             `json:"dataLicense"`
	SPDXID        string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Namespace     string             `json:"documentNamespace"`
	Creation      spdxCreation       `json:"creationInfo"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID    string         `json:"SPDXID"`
	Name      string         `json:"name"`
	Version   string         `json:"versionInfo,omitempty"`
	Download  string         `json:"downloadLocation"`
	Analyzed  bool           `json:"filesAnalyzed"`
	Concluded string         `json:"licenseConcluded"`
	Declared  string         `json:"licenseDeclared"`
	Copyright string         `json:"copyrightText"`
	Checksums []spdxChecksum `json:"checksums,omitempty"`
	Refs      []spdxRef      `json:"externalRefs,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// spdx returns an SPDX document of what the image contains: the packages of the lock that
// its files came from, and the Go modules that its programs list.
func (b *built) spdx(l *debian.Lock, version string) ([]byte, error) {
	digest, err := b.image.Digest()
	if err != nil {
		return nil, err
	}
	doc := spdxDocument{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: b.name,
		Namespace: "https://spdx.org/spdxdocs/" + b.name + "-" + digest.Hex,
		Creation:  spdxCreation{l.Epoch.Format(time.RFC3339), []string{"Tool: git-launcher-image-build"}},
	}
	add := func(p spdxPackage, relation, of string) {
		p.SPDXID = fmt.Sprintf("SPDXRef-Package-%d", len(doc.Packages))
		p.Concluded, p.Declared, p.Copyright = "NOASSERTION", or(p.Declared), "NOASSERTION"
		p.Download = or(p.Download)
		doc.Packages = append(doc.Packages, p)
		doc.Relationships = append(doc.Relationships, spdxRelationship{of, relation, p.SPDXID})
	}
	add(spdxPackage{Name: b.name, Version: version, Declared: licence, Checksums: []spdxChecksum{{"SHA256", digest.Hex}}}, "DESCRIBES", doc.SPDXID)
	used := make(map[string]bool)
	for _, f := range b.files() {
		_, from, _ := strings.Cut(f.Origin, ":")
		used[from] = true
	}
	for _, p := range l.Everything().Packages {
		if used[p.Name+"="+p.Version] {
			add(spdxPackage{Name: p.Name, Version: p.Version, Download: l.URL(p), Checksums: []spdxChecksum{{"SHA256", p.SHA256}},
				Refs: purl("pkg:deb/debian/" + p.Name + "@" + url.QueryEscape(p.Version) + "?arch=" + l.Arch + "&distro=" + l.Suite)}, "CONTAINS", "SPDXRef-Package-0")
		}
	}
	for _, f := range b.files() {
		if f.Origin != fromSource || f.Mode&0o111 == 0 {
			continue
		}
		info, err := buildinfo.Read(bytes.NewReader(f.Data))
		if err != nil {
			continue // not a program
		}
		add(spdxPackage{Name: "go", Version: info.GoVersion, Refs: purl("pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go"))}, "CONTAINS", "SPDXRef-Package-0")
		for _, m := range info.Deps {
			add(spdxPackage{Name: m.Path, Version: m.Version, Refs: purl("pkg:golang/" + m.Path + "@" + m.Version)}, "CONTAINS", "SPDXRef-Package-0")
		}
	}
	out, err := json.MarshalIndent(doc, "", " ")
	return append(out, '\n'), err
}

func or(s string) string {
	if s == "" {
		return "NOASSERTION"
	}
	return s
}

func purl(locator string) []spdxRef { return []spdxRef{{"PACKAGE-MANAGER", "purl", locator}} }
