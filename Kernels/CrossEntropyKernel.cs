using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// Cross-entropy of one row of logits with its target token, -log softmax(logits)[target] in nats, and its gradient, without a
/// log-softmax tensor in between. V is the vocabulary, the length of every row.
/// </summary>
public static unsafe class CrossEntropyKernel
{
    /// <summary>The loss of one row.</summary>
    /// <param name="logits">[V].</param>
    /// <param name="target">The true token.</param>
    /// <returns>The negative log-likelihood in nats.</returns>
    /// <exception cref="ArgumentException">The row is empty or the target no column of it.</exception>
    public static float Loss(ReadOnlySpan<float> logits, int target)
    {
        Check(logits.Length, target);
        fixed (float* source = logits)
        {
            return Loss(source, logits.Length, target);
        }
    }

    /// <summary>The loss of one row and its gradient, <paramref name="scale"/> * (softmax(logits) - one-hot(target)).</summary>
    /// <param name="logits">[V].</param>
    /// <param name="gradient">[V], receives the gradient; may be <paramref name="logits"/> itself.</param>
    /// <param name="target">The true token.</param>
    /// <param name="scale">What the loss is multiplied by in the objective, for example 1 / (number of tokens); the returned loss is not.</param>
    /// <returns>The negative log-likelihood in nats.</returns>
    /// <exception cref="ArgumentException">The rows differ in length or are empty, or the target is no column.</exception>
    public static float LossAndGradient(ReadOnlySpan<float> logits, Span<float> gradient, int target, float scale)
    {
        Check(logits.Length, target);
        if (gradient.Length != logits.Length)
        {
            throw new ArgumentException($"The gradient has {gradient.Length} columns, the logits {logits.Length}.", nameof(gradient));
        }

        fixed (float* source = logits, destination = gradient)
        {
            return LossAndGradient(source, destination, logits.Length, target, scale);
        }
    }

    /// <summary>Losses of a batch of rows; 0 where the target is <paramref name="ignored"/>.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="logits">[rows, V], contiguous.</param>
    /// <param name="targets">[rows].</param>
    /// <param name="losses">[rows], receives the negative log-likelihoods in nats.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">V.</param>
    /// <param name="ignored">A target that is no token to predict, such as padding; -1 for none.</param>
    /// <exception cref="ArgumentException">Some target is neither a column nor the ignored one; V is not positive.</exception>
    public static void Loss(RowParallel parallel, float* logits, long* targets, float* losses, int rows, int columns, long ignored)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(targets, rows, columns, ignored);
        parallel.For(rows, RowParallel.RowsWorthSharing(columns), (first, end) =>
        {
            for (int row = first; row < end; row++)
            {
                losses[row] = targets[row] == ignored ? 0f : Loss(logits + ((nint)row * columns), columns, (int)targets[row]);
            }
        });
    }

    /// <summary>Losses and gradients of a batch of rows; both exactly zero where the target is <paramref name="ignored"/>.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="logits">[rows, V], contiguous.</param>
    /// <param name="gradient">[rows, V], receives scale * (softmax - one-hot); may be <paramref name="logits"/> itself.</param>
    /// <param name="targets">[rows].</param>
    /// <param name="losses">[rows], receives the unscaled negative log-likelihoods in nats.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">V.</param>
    /// <param name="ignored">A target that is no token to predict, such as padding; -1 for none.</param>
    /// <param name="scale">What each loss is multiplied by in the objective.</param>
    /// <exception cref="ArgumentException">Some target is neither a column nor the ignored one; V is not positive.</exception>
    public static void LossAndGradient(
        RowParallel parallel, float* logits, float* gradient, long* targets, float* losses, int rows, int columns, long ignored, float scale)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(targets, rows, columns, ignored);
        parallel.For(rows, RowParallel.RowsWorthSharing(columns), (first, end) =>
        {
            for (int row = first; row < end; row++)
            {
                nint offset = (nint)row * columns;
                if (targets[row] == ignored)
                {
                    losses[row] = 0f;
                    new Span<float>(gradient + offset, columns).Clear();
                }
                else
                {
                    losses[row] = LossAndGradient(logits + offset, gradient + offset, columns, (int)targets[row], scale);
                }
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Loss(float* logits, int columns, int target)
    {
        float largest = GumbelSoftmaxKernel.RowMaximum(logits, columns);
        Vector512<float> shift = Vector512.Create(largest), scale = Vector512.Create(BinaryLogarithmOfE);
        Vector512<float> sumA = Vector512<float>.Zero, sumB = sumA;
        int column = 0;
        for (; column <= columns - (2 * Lanes); column += 2 * Lanes)
        {
            sumA += PowerOfTwo((Vector512.Load(logits + column) - shift) * scale);
            sumB += PowerOfTwo((Vector512.Load(logits + column + Lanes) - shift) * scale);
        }

        if (column <= columns - Lanes)
        {
            sumA += PowerOfTwo((Vector512.Load(logits + column) - shift) * scale);
            column += Lanes;
        }

        if (column < columns)
        {
            sumB += PowerOfTwo((LoadPart(logits + column, columns - column, float.NegativeInfinity) - shift) * scale);
        }

        return NegativeLogLikelihood(Sum(sumA + sumB), largest, logits[target]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float LossAndGradient(float* logits, float* gradient, int columns, int target, float scale)
    {
        float largest = GumbelSoftmaxKernel.RowMaximum(logits, columns), targetLogit = logits[target];
        float sum = GumbelSoftmaxKernel.Exponentials(logits, gradient, columns, largest, BinaryLogarithmOfE);
        float targetExponential = gradient[target];
        GumbelSoftmaxKernel.Scale(gradient, columns, scale / sum);
        // Of the exponentials rather than of the scaled value: p - 1 keeps its digits where p is near 1.
        gradient[target] = (float)(((double)targetExponential - sum) / sum * scale);
        return NegativeLogLikelihood(sum, largest, targetLogit);
    }

    // log sum exp - logit, with the two large terms subtracted from each other first.
    private static float NegativeLogLikelihood(float sum, float largest, float targetLogit) => (float)(Math.Log(sum) + ((double)largest - targetLogit));

    private static void Check(int columns, long target)
    {
        if (columns <= 0 || target < 0 || target >= columns)
        {
            throw new ArgumentException($"Target {target} is not among the {columns} columns.", nameof(target));
        }
    }

    private static void Check(long* targets, int rows, int columns, long ignored)
    {
        for (int row = 0; row < rows; row++)
        {
            if (targets[row] != ignored)
            {
                Check(columns, targets[row]);
            }
        }
    }
}
