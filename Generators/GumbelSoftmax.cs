using System.Runtime.InteropServices;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// The Gumbel-Softmax distribution (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017) in plain tensor operations. This is the definition
/// that the fused kernels are held to, and what runs on a GPU.
/// </summary>
/// <remarks>B batch, V vocabulary. The temperature has no unit; logits and noise are in nats.</remarks>
public static class GumbelSoftmax
{
    // What GumbelNoise can draw at the least.
    private const float SmallestExponential = 2.3e-10f;

    /// <summary>
    /// Standard Gumbel noise [B, V] of float32. On the CPU, row b, column v is a function of <paramref name="key"/>, b and v alone (b counted in the
    /// whole batch, where the key is of a slice); another device
    /// draws it itself, by <see cref="NoiseOn"/>, instead of having B x V numbers copied to it each step.
    /// </summary>
    public static Tensor Noise(RandomKey key, long batch, long vocabulary, Device? device = null)
    {
        using Tensor rows = arange(batch, ScalarType.Int64, device ?? CPU); // [B]
        return NoiseOfRows(key, batch, rows, vocabulary);
    }

    /// <summary>Rows of such noise that are not drawn with the others: on the CPU as they are among B, on another device as many.</summary>
    /// <param name="key">The stream.</param>
    /// <param name="batch">B.</param>
    /// <param name="rows">[N] of int64, each below B.</param>
    /// <param name="vocabulary">V.</param>
    /// <returns>[N, V].</returns>
    public static Tensor NoiseOfRows(RandomKey key, long batch, Tensor rows, long vocabulary)
    {
        if (rows.device.type != DeviceType.CPU)
        {
            return NoiseOn(rows.device, key, rows.shape[0], vocabulary);
        }

        Tensor noise = empty(rows.shape[0], vocabulary); // [N, V]
        Span<float> values = MemoryMarshal.Cast<byte, float>(noise.bytes);
        Span<long> numbers = MemoryMarshal.Cast<byte, long>(rows.bytes);
        for (int i = 0; i < numbers.Length; i++)
        {
            GumbelNoise.Fill(key, key.FirstRow(batch) + (ulong)numbers[i], values.Slice(i * (int)vocabulary, (int)vocabulary));
        }

        return noise;
    }

    /// <summary>
    /// Standard Gumbel noise [B, V] of float32 from libtorch's own generator on <paramref name="device"/>, seeded with <paramref name="key"/>.
    /// </summary>
    public static Tensor NoiseOn(Device device, RandomKey key, long batch, long vocabulary)
    {
        using Generator generator = new(key.Apart.Value, device);
        // An exponential number is -ln u, and in float32 keeps its relative accuracy where u is near 1; 0 has probability 2^-24 and would be infinite
        // noise.
        Tensor exponential = empty([batch, vocabulary], device: device).exponential_(1, generator); // [B, V]
        return exponential.clamp_(min: SmallestExponential).log_().neg_();
    }

    /// <summary>A sample by a relaxation, its arguments checked.</summary>
    /// <param name="logits">[B, V], unnormalised log-probabilities.</param>
    /// <param name="noise">[B, V], standard Gumbel; see <see cref="Noise"/>.</param>
    /// <param name="temperature">Positive; towards 0 samples become one-hot, towards infinity uniform.</param>
    /// <param name="relaxation">Which; null for the default, whose samples lie inside the simplex.</param>
    /// <param name="key">Keys what the relaxation draws beside the noise.</param>
    /// <returns>[B, V], each row non-negative with sum 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not a positive number.</exception>
    public static Tensor Sample(Tensor logits, Tensor noise, double temperature, Relaxation? relaxation = null, RandomKey key = default)
    {
        if (!(temperature > 0) || double.IsInfinity(temperature))
        {
            throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "A temperature is a positive finite number.");
        }

        return (relaxation ?? Relaxation.Default).Sample(new RelaxationInputs(logits, noise, temperature, key));
    }

    /// <summary>
    /// Logits plus standard Gumbel noise, drawn under the condition that they are largest at <paramref name="tokens"/> (Maddison, Tarlow and Minka
    /// 2014; Paulus, Maddison and Krause 2021, eq. 10). With E standard exponential, Z the sum of exp(logits) and p their softmax, the largest is
    /// ln Z - ln E_token, and any other one ln Z + ln p_j - ln(E_j + p_j E_token).
    /// </summary>
    /// <param name="logits">[B, V].</param>
    /// <param name="tokens">[B] of int64.</param>
    /// <param name="key">Keys the draws.</param>
    /// <returns>[B, V].</returns>
    public static Tensor ConditionallyPerturbed(Tensor logits, Tensor tokens, RandomKey key) =>
        ConditionallyPerturbed(logits, tokens, Noise(key, logits.shape[0], logits.shape[1], logits.device));

    /// <summary>The same, from free standard Gumbel noise: E = exp(-noise).</summary>
    /// <param name="logits">[B, V].</param>
    /// <param name="tokens">[B] of int64.</param>
    /// <param name="noise">[B, V].</param>
    /// <returns>[B, V].</returns>
    public static Tensor ConditionallyPerturbed(Tensor logits, Tensor tokens, Tensor noise)
    {
        Tensor sum = logits.logsumexp(-1, true), logProbabilities = logits - sum; // [B, 1], [B, V]
        Tensor exponential = noise.neg().exp(); // [B, V]
        Tensor own = exponential.gather(1, tokens.unsqueeze(1)); // [B, 1]
        Tensor others = logProbabilities - (exponential + logProbabilities.exp() * own).log(); // [B, V]
        return sum + where(OneHot(tokens, logits.shape[1]).gt(0.5), own.log().neg(), others);
    }

    /// <summary>Rows with a single 1 at <paramref name="ids"/>.</summary>
    /// <param name="ids">[...] of int64.</param>
    /// <param name="vocabulary">V, above every id.</param>
    /// <returns>[..., V] of float32, without a gradient.</returns>
    public static Tensor OneHot(Tensor ids, long vocabulary) => nn.functional.one_hot(ids, vocabulary).to(ScalarType.Float32);
}
