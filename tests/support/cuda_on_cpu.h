// Runs CUDA kernels on the CPU: g++ compiles the very source that a GPU gets, and each thread of a block is a fiber.
//
// Fibers change at barriers and warp shuffles only, in a chosen order. A kernel without a needed barrier so gives other
// numbers in other orders, and one whose threads do not all come to a barrier is found out. Not seen here: speed, races
// between blocks (which run one after another), and addresses outside an array.
#pragma once
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

struct dim3 {
  unsigned x, y, z;
};
static dim3 gridDim, blockDim, blockIdx, threadIdx;
#define __global__
#define __device__ static inline
#define __shared__ static

namespace cpu {
enum State { READY, AT_SHUFFLE, AT_BARRIER, DONE };
enum Order { FORWARD, BACKWARD, SHUFFLED };
const int WARP_SIZE = 32, STACK_BYTES = 64 << 10, OK = 0, STUCK = 1;

// A fiber is made once, by makecontext, and lives on from block to block. Changes go by setjmp: unlike swapcontext it does
// not ask the system about signals, which takes longer than most kernels.
struct Fiber {
  char stack[STACK_BYTES];
  jmp_buf place;
  bool started = false;
  dim3 index;
  State state;
};
static std::vector<std::unique_ptr<Fiber>> fibers;
static std::vector<unsigned long long> exchanged;  // what each thread shows the others of its warp
static jmp_buf scheduler;
static std::function<void()> kernel;
static int current, threads;

static void wait(State state) {
  Fiber& me = *fibers[current];
  me.state = state;
  if (!_setjmp(me.place)) _longjmp(scheduler, 1);
  threadIdx = me.index;
}

static void live() {
  for (;;) {
    kernel();
    wait(DONE);
  }
}

static void resume(int index) {
  Fiber& fiber = *fibers[current = index];
  threadIdx = fiber.index;
  if (_setjmp(scheduler)) return;
  if (fiber.started) _longjmp(fiber.place, 1);
  fiber.started = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack;
  context.uc_stack.ss_size = STACK_BYTES;
  makecontext(&context, live, 0);
  setcontext(&context);
}

// Lets those go on who have all arrived: whole warps at a shuffle, or the whole block at a barrier.
static bool release() {
  bool released = false;
  int at_barrier = 0;
  for (int begin = 0; begin < threads; begin += WARP_SIZE) {
    int end = std::min(begin + WARP_SIZE, threads), arrived = 0;
    for (int i = begin; i < end; i++) {
      arrived += fibers[i]->state == AT_SHUFFLE;
      at_barrier += fibers[i]->state == AT_BARRIER;
    }
    if (arrived < end - begin) continue;
    for (int i = begin; i < end; i++) fibers[i]->state = READY;
    released = true;
  }
  if (at_barrier == threads) {
    for (int i = 0; i < threads; i++) fibers[i]->state = READY;
    released = true;
  }
  return released;
}

static int run_block(int order, std::mt19937& random) {
  std::vector<int> turn(threads);
  for (int i = 0; i < threads; i++) {
    unsigned number = i;
    fibers[i]->index = {number % blockDim.x, number / blockDim.x % blockDim.y, number / (blockDim.x * blockDim.y)};
    fibers[i]->state = READY;
    turn[i] = order == BACKWARD ? threads - 1 - i : i;
  }
  for (;;) {
    if (order == SHUFFLED) std::shuffle(turn.begin(), turn.end(), random);
    for (int i : turn)
      if (fibers[i]->state == READY) resume(i);
    if (std::all_of(turn.begin(), turn.end(), [](int i) { return fibers[i]->state == DONE; })) return OK;
    if (release()) continue;
    fibers.clear();  // they are in the middle of something
    return STUCK;
  }
}

static int run(std::function<void()> body, const unsigned* size, int order) {
  gridDim = {size[0], size[1], size[2]};
  blockDim = {size[3], size[4], size[5]};
  kernel = std::move(body);
  threads = blockDim.x * blockDim.y * blockDim.z;
  while ((int)fibers.size() < threads) fibers.push_back(std::make_unique<Fiber>());
  exchanged.assign(threads, 0);
  std::mt19937 random(0);
  for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
      for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
        if (int status = run_block(order, random)) return status;
  return OK;
}

template <class F, class... A, size_t... I>
static void call(F f, void** arguments, std::tuple<A...>*, std::index_sequence<I...>) {
  f(*(A*)arguments[I]...);
}

// As CUDA launches: an array of pointers to the arguments, then blocks and threads.
template <class... A>
static int launch(void (*f)(A...), void** arguments, const unsigned* size, int order) {
  return run([=] { call(f, arguments, (std::tuple<A...>*)nullptr, std::index_sequence_for<A...>{}); }, size, order);
}

template <class T>
static T of_lane(T value, int lane) {
  int me = current;
  std::memcpy(&exchanged[me], &value, sizeof(T));
  wait(AT_SHUFFLE);
  T result;
  std::memcpy(&result, &exchanged[me / WARP_SIZE * WARP_SIZE + lane], sizeof(T));
  wait(AT_SHUFFLE);
  return result;
}
}  // namespace cpu

static inline void __syncthreads() { cpu::wait(cpu::AT_BARRIER); }
template <class T>
static T __shfl_xor_sync(unsigned, T value, int mask) {
  return cpu::of_lane(value, (cpu::current % cpu::WARP_SIZE) ^ mask);
}

// The compiler that CuPy uses has no C headers: what it would refuse is refused here too.
#undef INFINITY
#undef NAN
#undef M_PI
#undef FLT_MAX
