"""Writes the .npy, .npz and .safetensors files of this folder. Made with NumPy 2.4 and safetensors 0.8."""

import numpy as np
from safetensors.numpy import save_file

array = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 2
np.save("c_order.npy", array)
np.save("fortran_order.npy", np.asfortranarray(array))
np.save("big_endian.npy", array.astype(">f8"))
np.save("scalar.npy", np.int64(-7))
np.save("empty.npy", np.zeros((0, 3), np.int16))
np.save("object.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
np.save("structured.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
with open("version2.npy", "wb") as file:
    np.lib.format.write_array(file, array[0], version=(2, 0))
with open("version3.npy", "wb") as file:
    np.lib.format.write_array(file, array[0], version=(3, 0))

kinds = {"f8": np.float64, "f4": np.float32, "f2": np.float16, "i8": np.int64, "i4": np.int32, "i2": np.int16, "i1": np.int8, "u1": np.uint8, "b1": np.bool_}
every = {name: np.arange(3).astype(kind) for name, kind in kinds.items()}
np.savez("stored.npz", **every)
np.savez_compressed("deflated.npz", zeros=np.zeros((100, 10), np.float32), **every)

# As the reference writer lays tensors out: all dtypes it shares with NumPy, names that need escapes, empty and scalar shapes.
tensors = {name: values.reshape(1, 3) for name, values in every.items()}
tensors |= {"b": array, "a": array[0], "empty": np.zeros((0, 2), np.float32), "scalar": np.array(1.5, np.float32), 'quote" \\ \n é \U0001f600': np.ones(1, np.uint8), "\uffff": np.ones(1, np.uint8), "__proto__": np.ones(2, np.int8)}
save_file(tensors, "reference.safetensors", metadata={"format": "np"})
