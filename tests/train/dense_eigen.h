/* dense_eigen.h - eigenvectors of small symmetric matrices in double precision, by Jacobi's rotations. */
#ifndef TESTS_TRAIN_DENSE_EIGEN_H
#define TESTS_TRAIN_DENSE_EIGEN_H

#include <math.h>
#include <stddef.h>

/** a [n][n] becomes diagonal; column k of q [n][n] is the eigenvector of a[k][k], in no order. */
static inline void jacobi_eigen(double *a, size_t n, double *q)
{
    for (size_t i = 0; i < n * n; i++)
        q[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < 60; sweep++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = i + 1; j < n; j++) {
                if (fabs(a[i * n + j]) < 1e-15)
                    continue;
                double angle = atan2(2 * a[i * n + j], a[i * n + i] - a[j * n + j]) / 2;
                double c = cos(angle), s = sin(angle);
                for (size_t k = 0; k < n; k++) {
                    double x = a[k * n + i], y = a[k * n + j], u = q[k * n + i], v = q[k * n + j];
                    a[k * n + i] = c * x + s * y, a[k * n + j] = c * y - s * x;
                    q[k * n + i] = c * u + s * v, q[k * n + j] = c * v - s * u;
                }
                for (size_t k = 0; k < n; k++) {
                    double x = a[i * n + k], y = a[j * n + k];
                    a[i * n + k] = c * x + s * y, a[j * n + k] = c * y - s * x;
                }
            }
}

/** order [n]: the places of the diagonal of a [n][n], greatest first. */
static inline void diagonal_order(const double *a, size_t n, size_t *order)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && a[order[at - 1] * (n + 1)] < a[i * (n + 1)]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

#endif
