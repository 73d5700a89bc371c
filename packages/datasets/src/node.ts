// Opening files and folders
export { openCifar10, openCifar10C, openCifar100, type Part } from './node/cifar-files.ts';
export { openIdx } from './node/idx-files.ts';
export { openPack, openPacks } from './node/packs.ts';
export { openImageList } from './node/image-list.ts';
export { type ImageFolderOptions, openImageFolder } from './node/image-folder.ts';

// Getting data sets
export { type DatasetEntry, listDatasets } from './node/catalog.ts';
export {
  cifar10Mirrors,
  cifar10Sha256,
  type GetCifar10Event,
  type GetCifar10Options,
  getCifar10,
} from './node/get-cifar10.ts';

// Errors
export { DatasetError, type DatasetErrorCode } from './errors.ts';
