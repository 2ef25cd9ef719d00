// Other libraries' matrix products under heed_bench's names, one JSON line each, for compare.py --gemm.
//
//     apt-get install libopenblas-openmp-dev libblis-openmp-dev libdnnl-dev
//     c++ -std=c++20 -O2 -DPEER='"OpenBLAS"' tests/bench/peers/gemm_bench.cpp -lopenblas   -o peers/openblas
//     c++ -std=c++20 -O2 -DPEER='"BLIS"'     tests/bench/peers/gemm_bench.cpp -lblis       -o peers/blis
//     c++ -std=c++20 -O2 -DPEER='"oneDNN"' -DONEDNN tests/bench/peers/gemm_bench.cpp -ldnnl -o peers/onednn
//
//     peers/openblas [--seconds S] gemm_64 gemm_2048x384x1536_NT gemm_64x32x64_NT_b48
//
// The shape is read from the name: M x K x N or one size for all three, NT: B is stored (N, K), TN: A is
// stored (K, M), b: the number of products. The environment sets the threads (OMP_NUM_THREADS).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#ifdef ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#else
extern "C" void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float* a,
                            int lda, const float* b, int ldb, float beta, float* c, int ldc);
#endif

namespace {

struct Product {
  int m, k, n, batch = 1;
  bool a_transposed, b_transposed;

  explicit Product(const std::string& name) {
    const int read = std::sscanf(name.c_str(), "gemm_%dx%dx%d", &m, &k, &n);
    if (read == 1) k = n = m;
    a_transposed = name.find("_TN") != std::string::npos;
    b_transposed = name.find("_NT") != std::string::npos;
    const size_t b = name.rfind("_b");
    if (b != std::string::npos) batch = std::atoi(name.c_str() + b + 2);
    if (read != 1 && read != 3) {
      std::fprintf(stderr, "gemm_bench: %s: is not the name of a product: see heed_bench --list --only gemm\n",
                   name.c_str());
      std::exit(1);
    }
  }
  double gflop() const { return 2e-9 * batch * m * k * n; }
};

using Numbers = std::vector<float>;

Numbers random_numbers(size_t count) {
  Numbers x(count);
  for (float& v : x) v = static_cast<float>(std::rand() % 17 - 8) / 8;
  return x;
}

std::function<void()> prepare(const Product& p, float* a, float* b, float* c) {
#ifdef ONEDNN
  using dnnl::memory;
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto of = [&](int rows, int columns, bool transposed) {
    return memory::desc({p.batch, rows, columns}, memory::data_type::f32,
                        transposed ? memory::dims{rows * columns, 1, rows} : memory::dims{rows * columns, columns, 1});
  };
  const memory::desc da = of(p.m, p.k, p.a_transposed), db = of(p.k, p.n, p.b_transposed), dc = of(p.m, p.n, false);
  const dnnl::matmul product(dnnl::matmul::primitive_desc(dnnl::matmul::desc(da, db, dc), engine));
  const memory ma(da, engine, a), mb(db, engine, b), mc(dc, engine, c);
  return [=] {
    product.execute(stream, {{DNNL_ARG_SRC, ma}, {DNNL_ARG_WEIGHTS, mb}, {DNNL_ARG_DST, mc}});
    stream.wait();
  };
#else
  constexpr int row_major = 101, as_it_is = 111, transposed = 112;
  return [=] {
    for (int i = 0; i < p.batch; ++i)
      cblas_sgemm(row_major, p.a_transposed ? transposed : as_it_is, p.b_transposed ? transposed : as_it_is, p.m, p.n,
                  p.k, 1.0f, a + i * p.m * p.k, p.a_transposed ? p.m : p.k, b + i * p.k * p.n,
                  p.b_transposed ? p.k : p.n, 0.0f, c + i * p.m * p.n, p.n);
  };
#endif
}

double seconds_of(const std::function<void()>& step, int calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) step();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 1.0;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
      continue;
    }
    const Product p(name);
    const auto count = [&](int rows, int columns) {
      return static_cast<size_t>(p.batch) * static_cast<size_t>(rows * columns);
    };
    Numbers a = random_numbers(count(p.m, p.k)), b = random_numbers(count(p.k, p.n)), c(count(p.m, p.n));
    const std::function<void()> step = prepare(p, a.data(), b.data(), c.data());
    step(), step();
    int calls = 1;
    while (seconds_of(step, calls) < 5e-3) calls *= 2;
    std::vector<double> rates;
    for (double spent = 0; spent < seconds || rates.size() < 5;) {
      const double batch = seconds_of(step, calls);
      spent += batch;
      rates.push_back(p.gflop() * calls / batch);
    }
    std::sort(rates.begin(), rates.end());
    std::printf("{\"name\":\"%s\",\"peer\":\"%s\",\"value\":%.6g,\"unit\":\"GFLOP/s\",\"low\":%.6g,\"high\":%.6g}\n",
                name.c_str(), PEER, rates[rates.size() / 2], rates.front(), rates.back());
    std::fflush(stdout);
  }
}
