package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// plant is one weakness: a patch whose head says what it is and which test notices.
//
//	Weakness: the signatures of an envelope are not checked
//	Test: ./internal/seal TestHeadsAreRefused
type plant struct {
	name     string
	weakness string
	test     string   // package and test function
	patch    string   // file, from the tree's root
	files    []string // it changes
}

func (p plant) pkg() string { dir, _, _ := strings.Cut(p.test, " "); return dir }

func (p plant) function() string { _, name, _ := strings.Cut(p.test, " "); return name }

// load reads every patch of a tree.
func load(root string) ([]plant, error) {
	names, err := filepath.Glob(filepath.Join(root, folder, "*.patch"))
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	plants := make([]plant, 0, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read patch: %w", err)
		}
		p := plant{name: strings.TrimSuffix(filepath.Base(name), ".patch"), patch: filepath.Join(folder, filepath.Base(name))}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "Weakness: "):
				p.weakness = strings.TrimPrefix(line, "Weakness: ")
			case strings.HasPrefix(line, "Test: "):
				p.test = strings.TrimPrefix(line, "Test: ")
			case strings.HasPrefix(line, "+++ b/"):
				p.files = append(p.files, strings.TrimPrefix(line, "+++ b/"))
			}
		}
		if p.weakness == "" || p.pkg() == "" || !strings.HasPrefix(p.function(), "Test") || len(p.files) == 0 {
			return nil, fmt.Errorf("%s lacks Weakness, Test or a change", name)
		}
		plants = append(plants, p)
	}
	return plants, nil
}
