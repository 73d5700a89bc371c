/** Added to the variance by every batch normalisation here: PyTorch's default, which none of the models changes. */
export const batchNormEps = 1e-5;
