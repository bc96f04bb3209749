import { UnsupportedOperationError } from '@keywrap/core';
import type { folderOf as FolderOf, openFolder as OpenFolder } from './from-url.js';

/** In a bundle for browsers, where there are no folders, this stands for opening one by URL. */
export const folderOf: typeof FolderOf = () => {
  throw new UnsupportedOperationError(
    'there are no folders in a browser: open local: without a path, or pass a store of your own',
  );
};

export const openFolder: typeof OpenFolder = async () => folderOf('') as never;
