// One step of a GRU and of an LSTM and its gradient, for n hidden units of one sequence (core/ops/recurrence.h).
//
// x and p are the projections of the input and of the state, gate after gate, n elements each. `gates` keeps what the
// gradient needs. dx and dp are the gradients of both; they differ in
// the GRU's candidate only, where the reset gate multiplies p.
#pragma once

#include <cmath>
#include <cstdint>

#include <heed/core/kernels/plain_maps.h>

namespace heed::core::plain {

/// r = σ(x_r + p_r)   z = σ(x_z + p_z)   c = tanh(x_c + r p_c)   y = (1 - z) c + z h; gates: r, z, c, p_c.
template <class T> void gru(const T* x, const T* p, const T* h, T* gates, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double r = sigmoid(static_cast<double>(x[i]) + p[i]);
    const double z = sigmoid(static_cast<double>(x[n + i]) + p[n + i]);
    const double c = std::tanh(x[2 * n + i] + r * p[2 * n + i]);
    gates[i] = static_cast<T>(r);
    gates[n + i] = static_cast<T>(z);
    gates[2 * n + i] = static_cast<T>(c);
    gates[3 * n + i] = p[2 * n + i];
    y[i] = static_cast<T>((1 - z) * c + z * h[i]);
  }
}

/// Of Σ g y: dx and dp (3n each), dh.
template <class T> void gru_grad(const T* gates, const T* h, const T* g, T* dx, T* dp, T* dh, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double r = gates[i], z = gates[n + i], c = gates[2 * n + i], p_c = gates[3 * n + i], dy = g[i];
    const double dc = dy * (1 - z) * (1 - c * c);
    const double dz = dy * (h[i] - c) * z * (1 - z);
    const double dr = dc * p_c * r * (1 - r);
    dx[i] = dp[i] = static_cast<T>(dr);
    dx[n + i] = dp[n + i] = static_cast<T>(dz);
    dx[2 * n + i] = static_cast<T>(dc);
    dp[2 * n + i] = static_cast<T>(dc * r);
    dh[i] = static_cast<T>(dy * z);
  }
}

/// i, f, o = σ(x + p)   g = tanh(x_g + p_g)   c' = f c + i g   y = o tanh c'; gates: i, f, g, o, tanh c'.
template <class T> void lstm(const T* x, const T* p, const T* c, T* gates, T* next_c, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const auto sum = [=](int64_t gate) { return static_cast<double>(x[gate * n + i]) + p[gate * n + i]; };
    const double in = sigmoid(sum(0)), forget = sigmoid(sum(1)), fresh = std::tanh(sum(2)), out = sigmoid(sum(3));
    const double state = forget * c[i] + in * fresh;
    gates[i] = static_cast<T>(in);
    gates[n + i] = static_cast<T>(forget);
    gates[2 * n + i] = static_cast<T>(fresh);
    gates[3 * n + i] = static_cast<T>(out);
    gates[4 * n + i] = static_cast<T>(std::tanh(state));
    next_c[i] = static_cast<T>(state);
    y[i] = static_cast<T>(out * std::tanh(state));
  }
}

/// Of Σ g y + Σ g_next_c c': dx (4n), dc.
template <class T> void lstm_grad(const T* gates, const T* c, const T* g, const T* g_next_c, T* dx, T* dc, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double in = gates[i], forget = gates[n + i], fresh = gates[2 * n + i], out = gates[3 * n + i];
    const double seen = gates[4 * n + i];  // tanh c'
    const double d = g_next_c[i] + g[i] * out * (1 - seen * seen);
    dx[i] = static_cast<T>(d * fresh * in * (1 - in));
    dx[n + i] = static_cast<T>(d * c[i] * forget * (1 - forget));
    dx[2 * n + i] = static_cast<T>(d * in * (1 - fresh * fresh));
    dx[3 * n + i] = static_cast<T>(g[i] * seen * out * (1 - out));
    dc[i] = static_cast<T>(d * forget);
  }
}

}  // namespace heed::core::plain
