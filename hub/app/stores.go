package app

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/loa-vn/loa/hub/internal/store"
)

// copiesFolder has the local copies of blobs that lie in S3.
const copiesFolder = "copies"

// openBlobs opens what the settings name, for the hub that holds the data folder.
func openBlobs(ctx context.Context, o Options) (store.Blobs, error) {
	if inS3(o.Blobs) {
		return store.OpenS3(ctx, o.Blobs, filepath.Join(o.Data, copiesFolder))
	}
	folder, err := blobFolder(o)
	if err != nil {
		return nil, err
	}
	return store.NewFolder(folder)
}

// readBlobs is for reading beside a hub that may be serving; copies is a folder that is made for it.
func readBlobs(ctx context.Context, o Options, copies string) (store.Blobs, error) {
	if inS3(o.Blobs) {
		return store.OpenS3(ctx, o.Blobs, copies)
	}
	folder, err := blobFolder(o)
	if err != nil {
		return nil, err
	}
	return store.OpenFolder(folder), nil
}

// shared is where hubs that serve one fleet keep what is under way; nil for one alone.
func (a *App) shared() store.Parts {
	if s3, ok := a.blobs.(*store.S3); ok && a.hubs != nil {
		return s3.Parts()
	}
	return nil
}

// uploads is where uploads in pieces lie.
func (a *App) uploads() store.Parts {
	if shared := a.shared(); shared != nil {
		return shared
	}
	return store.NewFolderParts(filepath.Join(a.o.Data, "uploads"))
}

func inS3(blobs string) bool { return strings.HasPrefix(blobs, "s3://") }

// blobFolder is the folder that holds the blobs.
func blobFolder(o Options) (string, error) {
	if o.Blobs == "" {
		return filepath.Join(o.Data, "blobs"), nil
	}
	folder, isFile := strings.CutPrefix(o.Blobs, "file:")
	if !isFile {
		return "", errBlobs.At("blobs")
	}
	return strings.TrimPrefix(folder, "//"), nil
}
