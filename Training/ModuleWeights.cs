using GumbelGan.Storage;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>Weights and optimizer moments to and from safetensors, under PyTorch's parameter names.</summary>
public static class ModuleWeights
{
    /// <summary>The parameters of <paramref name="module"/>.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(nn.Module module) =>
        module.named_parameters().Select(named => Entry(named.name, named.parameter));

    /// <summary>Copies the entries of <paramref name="file"/> into the parameters of <paramref name="module"/>.</summary>
    /// <exception cref="UserMistakeException">A parameter is missing, unknown, or has another shape or type.</exception>
    public static void Load(nn.Module module, SafetensorsFile file)
    {
        (string Name, Tensor Target)[] targets = [.. module.named_parameters().Select(named => (named.name, (Tensor)named.parameter))];
        Load(targets, file);
    }

    /// <summary>The moments of <paramref name="optimizer"/>, named after the parameters they belong to, and each parameter's step count.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(Adam optimizer, nn.Module module)
    {
        foreach ((string name, Adam.State state) in States(optimizer, module))
        {
            yield return Entry($"{name}.exp_avg", state.exp_avg);
            yield return Entry($"{name}.exp_avg_sq", state.exp_avg_sq);
            yield return SafetensorsEntry.Create<long>($"{name}.step", [], [state.step]);
        }
    }

    /// <summary>Gives <paramref name="optimizer"/> the moments in <paramref name="file"/>.</summary>
    /// <exception cref="UserMistakeException">A moment is missing, unknown, or has another shape or type.</exception>
    public static void Load(Adam optimizer, nn.Module module, SafetensorsFile file)
    {
        (string Name, Adam.State State)[] states = [.. States(optimizer, module)];
        Load([.. states.SelectMany(named => new[] { ($"{named.Name}.exp_avg", named.State.exp_avg), ($"{named.Name}.exp_avg_sq", named.State.exp_avg_sq) })], file, states.Length);
        foreach ((string name, Adam.State state) in states)
        {
            SafetensorsEntry entry = file[$"{name}.step"];
            if (entry.Type != SafetensorsType.I64 || entry.Shape.Count != 0)
            {
                throw new UserMistakeException($"{file.Path} holds no step count for {name}; use another checkpoint.");
            }

            state.step = entry.Values<long>()[0];
        }
    }

    private static void Load(IReadOnlyList<(string Name, Tensor Target)> targets, SafetensorsFile file, int others = 0)
    {
        if (file.Entries.Count != targets.Count + others)
        {
            throw new UserMistakeException($"{file.Path} holds {file.Entries.Count} tensors where this model has {targets.Count + others}; it belongs to another configuration.");
        }

        using IDisposable off = no_grad();
        foreach ((string name, Tensor target) in targets)
        {
            SafetensorsEntry entry = file[name];
            if (entry.Type != SafetensorsType.F32 || !entry.Shape.SequenceEqual(target.shape))
            {
                throw new UserMistakeException(
                    $"{file.Path} holds '{name}' as {entry.Type} [{string.Join(", ", entry.Shape)}] where this model has F32 [{string.Join(", ", target.shape)}]; it belongs to another configuration.");
            }

            using DisposeScope scope = NewDisposeScope();
            target.copy_(tensor(entry.Values<float>().ToArray(), target.shape));
        }
    }

    // The state of parameter i is the optimizer's i-th; both follow the module's order.
    private static IEnumerable<(string Name, Adam.State State)> States(Adam optimizer, nn.Module module) =>
        module.named_parameters().Zip(optimizer.state_dict().State, (named, state) => (named.name, (Adam.State)state));

    private static SafetensorsEntry Entry(string name, Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        return SafetensorsEntry.Create<float>(name, values.shape, values.detach().cpu().data<float>().ToArray());
    }
}
