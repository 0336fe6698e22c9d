using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>What one parameter tensor's Adam step needs besides its numbers (Kingma and Ba 2015, as PyTorch computes it).</summary>
/// <param name="LearningRate">Step size.</param>
/// <param name="Beta1">Decay of the mean of gradients.</param>
/// <param name="Beta2">Decay of the mean of squared gradients.</param>
/// <param name="Epsilon">Added to the root, after its bias correction.</param>
/// <param name="WeightDecay">L2 penalty, added to the gradient as this times the parameter.</param>
public readonly record struct AdamSettings(double LearningRate, double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0);

/// <summary>Adam in one pass over parameters, gradients and both moments, and the gradient norm that clipping needs.</summary>
public static unsafe class AdamKernel
{
    /// <summary>Updates the parameters and both moments in place.</summary>
    /// <param name="parameters">[n].</param>
    /// <param name="gradients">[n].</param>
    /// <param name="means">[n], running mean of gradients, zeros before step 1.</param>
    /// <param name="squares">[n], running mean of squared gradients, zeros before step 1.</param>
    /// <param name="step">The number of this step, counted from 1.</param>
    /// <param name="settings">The hyper-parameters.</param>
    /// <param name="gradientScale">Multiplies each gradient first; below 1 where the norm is clipped.</param>
    /// <exception cref="ArgumentException">The lengths differ or the step is below 1.</exception>
    public static void Step(
        Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> means, Span<float> squares, long step, AdamSettings settings,
        double gradientScale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        if (gradients.Length != parameters.Length || means.Length != parameters.Length || squares.Length != parameters.Length)
        {
            throw new ArgumentException(
                $"Parameters, gradients and moments have {parameters.Length}, {gradients.Length}, {means.Length} and {squares.Length} elements.");
        }

        fixed (float* parameter = parameters, gradient = gradients, mean = means, square = squares)
        {
            Step(parameter, gradient, mean, square, parameters.Length, step, settings, gradientScale);
        }
    }

    /// <summary>The sum of squares, added up in double precision.</summary>
    /// <param name="values">Any number of floats.</param>
    /// <returns>The squared Euclidean norm.</returns>
    public static double SumOfSquares(ReadOnlySpan<float> values)
    {
        fixed (float* source = values)
        {
            return SumOfSquares(source, values.Length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Step(
        float* parameters, float* gradients, float* means, float* squares, int length, long step, AdamSettings settings, double gradientScale)
    {
        double correction1 = 1 - Math.Pow(settings.Beta1, step), correction2 = 1 - Math.Pow(settings.Beta2, step);
        Vector512<float> scale = Vector512.Create((float)gradientScale), decay = Vector512.Create((float)settings.WeightDecay);
        Vector512<float> beta1 = Vector512.Create((float)settings.Beta1), rest1 = Vector512.Create((float)(1 - settings.Beta1));
        Vector512<float> beta2 = Vector512.Create((float)settings.Beta2), rest2 = Vector512.Create((float)(1 - settings.Beta2));
        Vector512<float> rootScale = Vector512.Create((float)(1 / Math.Sqrt(correction2))), epsilon = Vector512.Create((float)settings.Epsilon);
        Vector512<float> stepSize = Vector512.Create((float)(-settings.LearningRate / correction1));
        for (int start = 0; start < length; start += Lanes)
        {
            int count = Math.Min(Lanes, length - start);
            Vector512<float> parameter = Load(parameters + start, count), gradient = Load(gradients + start, count);
            Vector512<float> mean = Load(means + start, count), square = Load(squares + start, count);
            gradient = Vector512.FusedMultiplyAdd(decay, parameter, gradient * scale);
            mean = Vector512.FusedMultiplyAdd(mean, beta1, gradient * rest1);
            square = Vector512.FusedMultiplyAdd(square, beta2, gradient * gradient * rest2);
            Vector512<float> denominator = Vector512.FusedMultiplyAdd(Vector512.Sqrt(square), rootScale, epsilon);
            parameter = Vector512.FusedMultiplyAdd(stepSize, mean / denominator, parameter);
            Store(parameter, parameters + start, count);
            Store(mean, means + start, count);
            Store(square, squares + start, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static double SumOfSquares(float* values, int length)
    {
        Vector512<double> lower = Vector512<double>.Zero, upper = lower;
        int start = 0;
        for (; start <= length - Lanes; start += Lanes)
        {
            Vector512<double> a = Vector512.WidenLower(Vector512.Load(values + start)), b = Vector512.WidenUpper(Vector512.Load(values + start));
            lower = Vector512.FusedMultiplyAdd(a, a, lower);
            upper = Vector512.FusedMultiplyAdd(b, b, upper);
        }

        Vector512<double> sums = lower + upper;
        double sum = 0;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
        {
            sum += sums[lane];
        }

        for (; start < length; start++)
        {
            sum += (double)values[start] * values[start];
        }

        return sum;
    }
}
