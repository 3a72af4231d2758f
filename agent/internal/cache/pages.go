package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt believes what a page says: where its keys lie, which pages are its children, which are free. A wrong bit there
// sends it round in a ring until the memory is gone, has it read beyond the file, or write over what it still needs; its
// own check does the same. So the pages are read here without trust, by ReadAt: the format is bbolt's version 2
// (go.etcd.io/bbolt, internal/common: page.go, meta.go, inode.go, bucket.go), little endian on our machines.
const (
	pageHeader  = 16 // id 8, flags 2, count 2, overflow 4
	pageElement = 16 // branch: pos 4, ksize 4, child 8; leaf: flags 4, pos 4, ksize 4, vsize 4
	bucketHead  = 16 // root 8, sequence 8; root 0 means that its one page follows
	metaSize    = 64 // magic 4, version 4, page size 4, flags 4, root 8, sequence 8, free list 8, high water 8, txid 8, checksum 8

	flagBranch, flagLeaf, flagFreelist = 1, 2, 16

	metaMagic, metaVersion = 0xED0CDAED, 2

	maxKey   = 32 << 10 // bbolt's own
	maxDepth = 32       // of pages; a terabyte has 8
)

// pageMap is one look at a file's pages.
type pageMap struct {
	file io.ReaderAt
	size int64  // of a page
	high uint64 // pages from here on are not in use
	seen []bool // reached, or free
}

// CheckPages gives an error when the pages of a bbolt file of a length do not form what bbolt expects of them.
func CheckPages(file io.ReaderAt, length int64) error {
	m, root, freelist, err := readMetas(file, length)
	if err != nil {
		return err
	}
	if err := m.tree(root, nil, nil, 0); err != nil {
		return err
	}
	if err := m.free(freelist); err != nil {
		return err
	}
	for id := uint64(2); id < m.high; id++ {
		if !m.seen[id] {
			return fmt.Errorf("page %d is neither used nor free", id)
		}
	}
	return nil
}

// readMetas finds the newest whole meta page.
func readMetas(file io.ReaderAt, length int64) (m *pageMap, root, freelist uint64, err error) {
	var newest uint64
	pageSize := int64(0)
	for _, at := range []int64{0, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} { // the second lies at the page's size
		b := make([]byte, pageHeader+metaSize)
		if _, err := file.ReadAt(b, at); err != nil {
			continue
		}
		meta := b[pageHeader:]
		sum := fnv.New64a()
		_, _ = sum.Write(meta[:metaSize-8])
		size := int64(u32(meta[8:]))
		if u32(meta) != metaMagic || u32(meta[4:]) != metaVersion || sum.Sum64() != u64(meta[metaSize-8:]) || at != 0 && at != size ||
			pageSize != 0 && size != pageSize || size < 512 || size > 64<<10 {
			continue
		}
		pageSize = size
		if txid := u64(meta[48:]); m == nil || txid > newest {
			newest = txid
			m, root, freelist = &pageMap{file: file, size: size, high: u64(meta[40:])}, u64(meta[16:]), u64(meta[32:])
		}
	}
	if m == nil {
		return nil, 0, 0, errors.New("no meta page is whole")
	}
	if m.high < 2 || m.high > uint64(length/m.size) {
		return nil, 0, 0, fmt.Errorf("%d pages are there of %d", length/m.size, m.high)
	}
	m.seen = make([]bool, m.high)
	return m, root, freelist, nil
}

func u16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func u32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func u64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// page is one page with its overflow.
type page struct {
	id    uint64
	flags uint16
	count int
	body  io.ReaderAt // from its beginning
	size  int64
}

// take gives a page, which must not have been taken before.
func (m *pageMap) take(id uint64) (page, error) {
	if id < 2 || id >= m.high {
		return page{}, fmt.Errorf("page %d is out of reach", id)
	}
	head := make([]byte, pageHeader)
	if _, err := m.file.ReadAt(head, int64(id)*m.size); err != nil {
		return page{}, fmt.Errorf("read page %d: %w", id, err)
	}
	pages := uint64(u32(head[12:])) + 1
	if u64(head) != id || pages > m.high-id {
		return page{}, fmt.Errorf("page %d calls itself %d, with %d pages", id, u64(head), pages)
	}
	for i := id; i < id+pages; i++ {
		if m.seen[i] {
			return page{}, fmt.Errorf("page %d is used twice", i)
		}
		m.seen[i] = true
	}
	size := int64(pages) * m.size
	return page{id, u16(head[8:]), int(u16(head[10:])), io.NewSectionReader(m.file, int64(id)*m.size, size), size}, nil
}

// tree walks the pages of a bucket; its keys begin with from and lie before to, nil for no bound.
func (m *pageMap) tree(id uint64, from, to []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d lies too deep", id)
	}
	p, err := m.take(id)
	if err != nil {
		return err
	}
	switch p.flags {
	case flagLeaf:
		return m.leaf(p, from, to, depth)
	case flagBranch:
	default:
		return fmt.Errorf("page %d is of kind %x", id, p.flags)
	}
	if p.count == 0 {
		return fmt.Errorf("page %d has no children", id)
	}
	keys, children := make([][]byte, p.count), make([]uint64, p.count)
	end := p.table()
	for i := range p.count {
		e, at, err := p.element(i)
		if err != nil {
			return err
		}
		children[i] = u64(e[8:])
		if at += int64(u32(e)); at != end {
			return fmt.Errorf("a key of page %d lies at %d, not %d", p.id, at, end)
		}
		if keys[i], err = p.bytes(at, int64(u32(e[4:])), maxKey); err != nil {
			return err
		}
		end += int64(len(keys[i]))
	}
	if err := p.ordered(keys, from, to); err != nil {
		return err
	}
	for i, child := range children {
		until := to
		if i+1 < len(keys) {
			until = keys[i+1]
		}
		if err := m.tree(child, keys[i], until, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaf looks at keys, values and the buckets among them.
func (m *pageMap) leaf(p page, from, to []byte, depth int) error {
	keys := make([][]byte, p.count)
	end := p.table()
	for i := range p.count {
		e, at, err := p.element(i)
		if err != nil {
			return err
		}
		flags, ksize, vsize := u32(e), int64(u32(e[8:])), int64(u32(e[12:]))
		if at += int64(u32(e[4:])); at != end {
			return fmt.Errorf("a key of page %d lies at %d, not %d", p.id, at, end)
		}
		if keys[i], err = p.bytes(at, ksize, maxKey); err != nil {
			return err
		}
		value := at + ksize
		if end = value + vsize; end > p.size {
			return fmt.Errorf("a value of page %d ends outside of it", p.id)
		} else if flags != 0 {
			if err := m.bucket(p, value, vsize, flags, depth); err != nil {
				return err
			}
		}
	}
	if p.count == 0 {
		return p.empty(m.size)
	}
	return p.ordered(keys, from, to)
}

// bucket looks at a bucket that is the value of a leaf.
func (m *pageMap) bucket(p page, at, size int64, flags uint32, depth int) error {
	head, err := p.bytes(at, min(size, bucketHead), bucketHead)
	if err != nil {
		return err
	}
	switch {
	case flags != 1 || size < bucketHead:
		return fmt.Errorf("a bucket of page %d is none", p.id)
	case u64(head) != 0:
		return m.tree(u64(head), nil, nil, depth+1)
	case size < bucketHead+pageHeader || depth > maxDepth:
		return fmt.Errorf("a bucket of page %d is cut", p.id)
	}
	inside := page{id: p.id, body: io.NewSectionReader(p.body, at+bucketHead, size-bucketHead), size: size - bucketHead}
	own, err := inside.bytes(0, pageHeader, pageHeader)
	if err != nil {
		return err
	}
	if inside.flags, inside.count = u16(own[8:]), int(u16(own[10:])); inside.flags != flagLeaf {
		return fmt.Errorf("a bucket of page %d is of kind %x", p.id, inside.flags)
	}
	return m.leaf(inside, nil, nil, depth+1)
}

// free takes the pages of the free list.
func (m *pageMap) free(id uint64) error {
	p, err := m.take(id)
	if err != nil {
		return err
	}
	count, at := int64(p.count), int64(pageHeader)
	if count == 0xFFFF { // more than fit into the field: the first entry counts them
		head, err := p.bytes(at, 8, 8)
		if err != nil {
			return err
		}
		count, at = int64(min(u64(head), m.high)), at+8
	}
	list, err := p.bytes(at, 8*count, p.size)
	if err != nil || p.flags != flagFreelist {
		return fmt.Errorf("page %d is no free list of %d", p.id, count)
	}
	for ; len(list) > 0; list = list[8:] {
		id := u64(list)
		if id < 2 || id >= m.high || m.seen[id] {
			return fmt.Errorf("page %d is called free", id)
		}
		m.seen[id] = true
	}
	return nil
}

// table gives where the table of a page ends. bbolt writes keys and values one behind the other from there on: so a number of
// the table that is too small, and would hide some, does not fit the rest. What is wrong in unused room harms nobody.
func (p page) table() int64 { return pageHeader + int64(p.count)*pageElement }

// empty tells whether a page that says it has no key has none: bbolt writes zeros then.
func (p page) empty(most int64) error {
	if p.size == pageHeader {
		return nil
	}
	rest, err := p.bytes(pageHeader, p.size-pageHeader, most)
	if err == nil && len(bytes.Trim(rest, "\x00")) > 0 {
		err = fmt.Errorf("page %d has more than it says", p.id)
	}
	return err
}

// element gives the i-th entry of a page's table, and where it lies.
func (p page) element(i int) (e []byte, at int64, err error) {
	at = pageHeader + int64(i)*pageElement
	e, err = p.bytes(at, pageElement, pageElement)
	return e, at, err
}

// bytes reads some of a page; they must lie inside.
func (p page) bytes(at, n, most int64) ([]byte, error) {
	if n > most || at+n > p.size {
		return nil, fmt.Errorf("page %d has %d bytes at %d", p.id, n, at)
	}
	b := make([]byte, n)
	if _, err := p.body.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", p.id, err)
	}
	return b, nil
}

// ordered holds keys against their order and their bounds. The first is the very key that the page above has for this one:
// bbolt looks for it there when it writes, and adds the page once more where it finds another.
func (p page) ordered(keys [][]byte, from, to []byte) error {
	for i, k := range keys {
		if len(k) == 0 {
			return fmt.Errorf("page %d has a key without length", p.id)
		}
		if i > 0 && bytes.Compare(keys[i-1], k) >= 0 || i == 0 && from != nil && !bytes.Equal(k, from) || to != nil && bytes.Compare(k, to) >= 0 {
			return fmt.Errorf("the keys of page %d are out of order", p.id)
		}
	}
	return nil
}
