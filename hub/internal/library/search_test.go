package library

import (
	"context"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestSearch(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	for _, title := range []string{"Tìm hiểu pháp luật: đất đai", "Phòng cháy 100%"} {
		m := meta
		m.Title, m.Series, m.Laws = title, "Chuyên mục hằng tuần", []Law{{Number: "31/2024/QH15"}}
		if _, err := s.Create(ctx, m, ann); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"without marks", "tim hieu phap luat", 1},
		{"as it is written", "Tìm hiểu", 1},
		{"in the other form of Unicode", norm.NFD.String("Tìm hiểu"), 1},
		{"đ by d", "dat dai", 1},
		{"Đ by Đ", "ĐẤT ĐAI", 1},
		{"words in another order, of two fields", "luat tuan hang", 1},
		{"one word that is nowhere", "tim hieu giao thong", 0},
		{"a law's number", "31/2024", 2},
		{"a sign that means something in SQL", "0%", 1},
		{"blanks alone", "  ", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := s.List(ctx, Filter{Text: c.text})
			if err != nil || len(p.Items) != c.want {
				t.Errorf("%q finds %d, %v; want %d", c.text, len(p.Items), err, c.want)
			}
		})
	}
}

func TestIndex(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	s.create()
	if _, err := s.DB.NewRaw("UPDATE reports SET search = ''").Exec(ctx); err != nil { // kept by an older hub
		t.Fatal(err)
	}
	for i, want := range []int{0, 1} {
		p, err := s.List(ctx, Filter{Text: "an ninh mang"})
		if err != nil || len(p.Items) != want {
			t.Fatalf("round %d finds %d, %v; want %d", i, len(p.Items), err, want)
		}
		if err := s.Index(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
