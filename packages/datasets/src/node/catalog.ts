/** A data set that this package reads and whose home is known. */
export interface DatasetEntry {
  readonly name: string;
  readonly title: string;
  /** Where it is published. */
  readonly home: string;
  readonly licence: string;
  /** Size once unpacked; for CIFAR-10-C all 19 corruptions. */
  readonly bytes: number;
  /** The function that fetches it; without one, download it by hand. */
  readonly get?: 'getCifar10';
  /** The function that opens it. */
  readonly open: 'openCifar10' | 'openCifar100' | 'openCifar10C';
}

const noLicence = 'none stated by the authors; free for research use, cite Krizhevsky 2009';

/** The data sets with a known home. */
export function listDatasets(): readonly DatasetEntry[] {
  return [
    {
      name: 'cifar10',
      title: 'CIFAR-10: 60,000 images of 32 x 32 in 10 classes',
      home: 'https://www.cs.toronto.edu/~kriz/cifar.html',
      licence: noLicence,
      bytes: 60_000 * 3073,
      get: 'getCifar10',
      open: 'openCifar10',
    },
    {
      name: 'cifar100',
      title: 'CIFAR-100: 60,000 images of 32 x 32 in 100 classes',
      home: 'https://www.cs.toronto.edu/~kriz/cifar.html',
      licence: noLicence,
      bytes: 60_000 * 3074,
      open: 'openCifar100',
    },
    {
      name: 'cifar10-c',
      title: "CIFAR-10-C: CIFAR-10's test images under 19 corruptions at 5 severities",
      home: 'https://zenodo.org/records/2535967',
      licence: 'CC BY 4.0; cite Hendrycks and Dietterich 2019',
      bytes: 19 * 50_000 * 3072,
      open: 'openCifar10C',
    },
  ];
}
