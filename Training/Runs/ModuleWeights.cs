using System.Runtime.InteropServices;
using GumbelGan.Discriminators;
using GumbelGan.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Runs;

/// <summary>Weights to and from safetensors, under PyTorch's parameter names.</summary>
public static class ModuleWeights
{
    /// <summary>
    /// What a network's scores or samples depend on: its parameters, and the singular vectors of a discriminator that is spectrally normalised.
    /// </summary>
    public static IReadOnlyList<(string Name, Tensor Value)> Named(nn.Module module) =>
    [
        .. module.named_parameters().Select(named => (named.name, (Tensor)named.parameter)), .. (module as Discriminator)?.SingularVectors ?? [],
    ];

    /// <summary><see cref="Named"/> of <paramref name="module"/>, as a file holds it.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(nn.Module module) => Named(module).Select(named => Entry(named.Name, named.Value));

    /// <summary>Copies the entries of <paramref name="file"/> into <see cref="Named"/> of <paramref name="module"/>.</summary>
    /// <exception cref="UserMistakeException">A parameter is missing, unknown, or has another shape.</exception>
    public static void Load(nn.Module module, SafetensorsFile file) => Load(Named(module), file);

    /// <summary>Copies the entries of <paramref name="file"/> into tensors, all of them or none.</summary>
    /// <param name="targets">Names and tensors.</param>
    /// <param name="file">Holds one entry for each.</param>
    /// <param name="others">How many entries the file has beside these.</param>
    /// <exception cref="UserMistakeException">A tensor is missing, unknown, of another shape, or of whole numbers.</exception>
    internal static void Load(IReadOnlyList<(string Name, Tensor Target)> targets, SafetensorsFile file, int others = 0)
    {
        if (file.Entries.Count != targets.Count + others)
        {
            throw new UserMistakeException($"{file.Path} holds {file.Entries.Count} tensors where this model has {targets.Count + others}; it "
                + "belongs to another configuration.");
        }

        foreach ((string name, Tensor target) in targets)
        {
            SafetensorsEntry entry = file[name];
            if (!IsNumber(entry.Type) || !entry.Shape.SequenceEqual(target.shape))
            {
                throw new UserMistakeException(
                    $"{file.Path} holds '{name}' as {entry.Type} [{string.Join(", ", entry.Shape)}] where this model has "
                        + $"[{string.Join(", ", target.shape)}]; it belongs to another configuration.");
            }
        }

        using IDisposable off = no_grad();
        foreach ((string name, Tensor target) in targets)
        {
            using DisposeScope scope = NewDisposeScope();
            target.copy_(tensor(Numbers(file[name]), target.shape));
        }
    }

    private static bool IsNumber(SafetensorsType type) =>
        type is SafetensorsType.F32 or SafetensorsType.F64 or SafetensorsType.F16 or SafetensorsType.BF16;

    // Other programs may store weights in other precisions; ours are all in single precision.
    private static float[] Numbers(SafetensorsEntry entry) => entry.Type switch
    {
        SafetensorsType.F64 => Array.ConvertAll(entry.Values<double>().ToArray(), number => (float)number),
        SafetensorsType.F16 => Array.ConvertAll(entry.Values<Half>().ToArray(), number => (float)number),
        SafetensorsType.BF16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(entry.Data.Span).ToArray(),
            bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        _ => entry.Values<float>().ToArray(),
    };

    /// <summary>The numbers of a tensor of float32 under a name.</summary>
    internal static SafetensorsEntry Entry(string name, Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        return SafetensorsEntry.Create<float>(name, values.shape, values.detach().cpu().data<float>().ToArray());
    }
}
