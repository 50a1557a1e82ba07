// From pixels to what the first matrix product takes: patches, one for each token, with rows of zeros where the class
// token and the registers stand, so that products over all tokens need no gaps.

#define PATCH_NUMBERS (IN_CHANS * PATCH_SIZE * PATCH_SIZE)
#define GRID_WIDTH (IMAGE_WIDTH / PATCH_SIZE)

// Of number `i` of a token's patch: is there a pixel, and where?
__device__ bool find_pixel(int token, int i, int* channel, int* row, int* column) {
  int patch = token - NUM_PREFIX;
  *channel = i / (PATCH_SIZE * PATCH_SIZE);
  *row = patch / GRID_WIDTH * PATCH_SIZE + i / PATCH_SIZE % PATCH_SIZE;
  *column = patch % GRID_WIDTH * PATCH_SIZE + i % PATCH_SIZE;
  return patch >= 0;
}

// images (B, C, H, W) float -> patches (B, N, C*P*P); size = all numbers of patches
extern "C" __global__ void patchify(const float* images, float* patches, long long size) {
  long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= size) return;
  int channel, row, column;
  long long image = at / (NUM_TOKENS * PATCH_NUMBERS);
  bool pixel = find_pixel(at / PATCH_NUMBERS % NUM_TOKENS, at % PATCH_NUMBERS, &channel, &row, &column);
  patches[at] = pixel ? images[((image * IN_CHANS + channel) * IMAGE_HEIGHT + row) * IMAGE_WIDTH + column] : 0.0f;
}

__device__ float pixel_or_zero(const unsigned char* image, int row, int column) {
  bool inside = row >= 0 && row < IMAGE_HEIGHT && column >= 0 && column < IMAGE_WIDTH;
  return inside ? (float)image[row * IMAGE_WIDTH + column] : 0.0f;
}

// The batch of step *step, from a whole split on the device: gathered, warped, normalised, cut up, in one go.
//
// pixels (n, C, H, W) uint8, all_labels (n,); of this epoch: order (n,), which image comes when, and maps (n, 2, 3), from
// where in its image each of its pixels comes, as in tinyvit/images/augment.py; factors, offsets (C,): pixel * factor -
// offset -> patches (B, N, C*P*P), labels (B,)
extern "C" __global__ void augment_patchify(const unsigned char* pixels, const int* all_labels, const int* order,
                                            const float* maps, const float* factors, const float* offsets,
                                            const int* step, float* patches, int* labels, int batch,
                                            int steps_per_epoch, int augment) {
  int at = blockIdx.x * blockDim.x + threadIdx.x, numbers = NUM_TOKENS * PATCH_NUMBERS;
  if (at >= batch * numbers) return;
  int image = at / numbers, channel, row, column;
  int place = *step % steps_per_epoch * batch + image;  // in the epoch's order
  if (at % numbers == 0) labels[image] = all_labels[order[place]];
  if (!find_pixel(at / PATCH_NUMBERS % NUM_TOKENS, at % PATCH_NUMBERS, &channel, &row, &column)) {
    patches[at] = 0.0f;
    return;
  }
  const unsigned char* source = pixels + ((long long)order[place] * IN_CHANS + channel) * IMAGE_HEIGHT * IMAGE_WIDTH;
  float value;
  if (augment) {
    const float* map = maps + 6 * place;
    float u = column - (IMAGE_WIDTH - 1) / 2.0f, v = row - (IMAGE_HEIGHT - 1) / 2.0f;
    float x = map[0] * u + (map[1] * v + (map[2] + (IMAGE_WIDTH - 1) / 2.0f));
    float y = map[3] * u + (map[4] * v + (map[5] + (IMAGE_HEIGHT - 1) / 2.0f));
    x = fminf(fmaxf(x, -1.0f), (float)IMAGE_WIDTH);
    y = fminf(fmaxf(y, -1.0f), (float)IMAGE_HEIGHT);
    int left = (int)floorf(x), top = (int)floorf(y);
    float right = x - left, below = y - top;  // how far between two neighbours, 0..1
    float upper_left = pixel_or_zero(source, top, left), lower_left = pixel_or_zero(source, top + 1, left);
    float upper = upper_left + (pixel_or_zero(source, top, left + 1) - upper_left) * right;
    float lower = lower_left + (pixel_or_zero(source, top + 1, left + 1) - lower_left) * right;
    value = upper + (lower - upper) * below;
  } else {
    value = (float)source[row * IMAGE_WIDTH + column];
  }
  patches[at] = value * factors[channel] - offsets[channel];
}
